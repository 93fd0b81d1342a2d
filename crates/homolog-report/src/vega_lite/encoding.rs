//! Channels of a mark in Vega-Lite.

use serde_json::{Map, Value, json};

use crate::figure::{Channel, Color, ColorKind, Figure, Format, Mark, Scale, ScaleKind, Shape, Values};
use crate::rows::distinct;
use crate::svg::{
    Direction, Domain, Palette, Resolved, Spread, has_lying_bars, is_on_axis, least_distance, spoken, style_words,
};
use crate::theme::Theme;

use super::{datum, escape_field};

/// Dashes of lines, as in `svg`.
const DASHES: [&[f64]; 6] = [&[1.0, 0.0], &[4.0, 2.0], &[1.2, 1.6], &[6.0, 2.0, 1.2, 2.0], &[2.5, 1.2], &[8.0, 2.0]];
/// Symbols of points, as in `svg`.
const SYMBOLS: [&str; 6] = ["circle", "square", "triangle-up", "diamond", "triangle-down", "cross"];
/// Columns that [`bar_edges`] adds.
const EDGES: [&str; 2] = ["bar_from", "bar_to"];

impl Scale {
    pub(super) fn is_band(&self) -> bool {
        matches!(self.kind, ScaleKind::Band)
    }

    fn has_fixed_domain(&self) -> bool {
        matches!(self.kind, ScaleKind::Linear { domain: Some(_), .. } | ScaleKind::Log { domain: Some(_) })
    }
}

impl Figure {
    pub(super) fn has_fixed_domain(&self) -> bool {
        self.x.has_fixed_domain() || self.y.has_fixed_domain()
    }
}

/// Distinct values of a column in order of first appearance, numbers as numbers.
pub(super) fn sorted(figure: &Figure, column: &str) -> Vec<Value> {
    figure.data.column(column).map_or_else(Vec::new, |values| typed(values, distinct(values, 0..figure.data.n_rows())))
}

fn typed(values: &Values, words: Vec<String>) -> Vec<Value> {
    let is_number = matches!(values, Values::Numbers(_));
    let one = |word: String| match word.parse::<f64>() {
        Ok(number) if is_number => json!(number),
        _ => json!(word),
    };
    words.into_iter().map(one).collect()
}

/// The channel along which a bar of one value stands on a scale of numbers, if this mark is such bars.
fn bar_place(figure: &Figure, mark: &Mark) -> Option<(Direction, String)> {
    let (direction, place, second, scale) = if has_lying_bars(figure) {
        (Direction::Y, &mark.y, &mark.y2, &figure.y)
    } else {
        (Direction::X, &mark.x, &mark.x2, &figure.x)
    };
    match (mark.shape, place, second) {
        (Shape::Bar, Some(Channel::Field(name)), None) if !scale.is_band() => Some((direction, name.clone())),
        _ => None,
    }
}

/// Both edges of bars on a scale of numbers, where Vega-Lite's own would be of one width on every screen.
pub(super) fn bar_edges(figure: &Figure, mark: &Mark) -> Vec<Value> {
    let Some((_, name)) = bar_place(figure, mark) else { return Vec::new() };
    let Some(values) = figure.data.column(&name) else { return Vec::new() };
    let half = least_distance(values, &mark.rows(&figure.data)).unwrap_or(1.0) / 2.0 * 0.96;
    let edge = |sign: char, name_of_edge: &str| json!({"calculate": format!("{} {sign} {half}", datum(&name)), "as": name_of_edge});
    vec![edge('-', EDGES[0]), edge('+', EDGES[1])]
}

pub(super) fn encoding(figure: &Figure, theme: &Theme, resolved: &Resolved, mark: &Mark) -> Value {
    let mut encoding = Map::new();
    let edges = bar_place(figure, mark);
    for (direction, scale, [first, second], names) in [
        (Direction::X, &figure.x, [&mark.x, &mark.x2], ["x", "x2"]),
        (Direction::Y, &figure.y, [&mark.y, &mark.y2], ["y", "y2"]),
    ] {
        if edges.as_ref().is_some_and(|(along, _)| *along == direction) {
            let mut position = position(figure, resolved, scale, direction, &Channel::Field(EDGES[0].to_owned()));
            position["type"] = json!("quantitative");
            encoding.insert(names[0].to_owned(), position);
            encoding.insert(names[1].to_owned(), json!({"field": EDGES[1]}));
            continue;
        }
        if let Some(channel) = first {
            encoding.insert(names[0].to_owned(), position(figure, resolved, scale, direction, channel));
        }
        if let Some(channel) = second {
            let other = match channel {
                Channel::Field(name) => json!({"field": escape_field(name)}),
                Channel::Value(value) => json!({"datum": value}),
            };
            encoding.insert(names[1].to_owned(), other);
        }
    }
    if mark.shape == Shape::Bar {
        // A bar that says where it ends along one direction has to say where it begins along the other.
        let lies = has_lying_bars(figure);
        let (second, domain, name) = if lies { (&mark.x2, &resolved.x, "x2") } else { (&mark.y2, &resolved.y, "y2") };
        if let (None, Domain::Numbers { spread, from, .. }) = (second, domain) {
            encoding.insert(name.to_owned(), json!({"datum": if *spread == Spread::Log { *from } else { 0.0 }}));
        }
    }
    if let Some(column) = &resolved.dodge {
        let (names, channel) = if has_lying_bars(figure) { ("yOffset", &mark.y) } else { ("xOffset", &mark.x) };
        if matches!(channel, Some(Channel::Field(_))) {
            encoding.insert(
                names.to_owned(),
                json!({"field": escape_field(column), "type": "nominal", "sort": sorted(figure, column)}),
            );
        }
    }
    encoding.insert("color".to_owned(), color(figure, theme, resolved, mark));
    if let Some(column) = &mark.style {
        let words = style_words(figure, column);
        let (channel, range): (&str, Vec<Value>) = match mark.shape {
            Shape::Point => ("shape", (0..words.len()).map(|i| json!(SYMBOLS[i % SYMBOLS.len()])).collect()),
            _ => ("strokeDash", (0..words.len()).map(|i| json!(DASHES[i % DASHES.len()])).collect()),
        };
        let domain = figure.data.column(column).map_or_else(Vec::new, |values| typed(values, words));
        let is_colors = mark.color == Color::Field(column.clone());
        let title = match &figure.color {
            Some(scale) if is_colors => scale.title.clone(),
            _ => spoken(column),
        };
        encoding.insert(
            channel.to_owned(),
            json!({"field": escape_field(column), "type": "nominal", "title": title, "scale": {"domain": domain, "range": range}}),
        );
    }
    if let (Shape::Text, Some(column)) = (mark.shape, &mark.text) {
        let text = match figure.data.column(column) {
            Some(Values::Numbers(_)) => {
                json!({"field": escape_field(column), "type": "quantitative", "format": ".3~r"})
            }
            _ => json!({"field": escape_field(column), "type": "nominal"}),
        };
        encoding.insert("text".to_owned(), text);
    }
    encoding.into()
}

/// A position with its scale and axis, the same in every layer.
fn position(figure: &Figure, resolved: &Resolved, scale: &Scale, direction: Direction, channel: &Channel) -> Value {
    let mut position = match channel {
        Channel::Field(name) => json!({"field": escape_field(name)}),
        Channel::Value(value) => json!({"datum": value}),
    };
    let is_y = direction == Direction::Y;
    position["title"] = json!(if scale.title.is_empty() { Value::Null } else { json!(scale.title) });
    let (domain, ticks) = if is_y { (&resolved.y, &resolved.y_ticks) } else { (&resolved.x, &resolved.x_ticks) };
    let has_own = is_y && figure.facet.as_ref().is_some_and(|facet| facet.has_own_y);
    if has_own {
        // It would stand at every panel; the figure's own title has it, at the same place.
        position["title"] = Value::Null;
    }
    match domain {
        Domain::Words(words) => {
            let values = match channel {
                Channel::Field(name) => figure.data.column(name),
                Channel::Value(_) => None,
            };
            position["type"] = json!(if matches!(values, Some(Values::Numbers(_))) { "ordinal" } else { "nominal" });
            position["sort"] = values.map_or_else(|| json!(words), |values| json!(typed(values, words.clone())));
            let angle = if is_y || !ticks.is_turned { 0 } else { -90 };
            position["axis"] =
                json!({"labelOverlap": true, "labelAngle": angle, "labelExpr": label_expression(Format::Plain)});
        }
        Domain::Numbers { spread, from, to, format } => {
            position["type"] = json!("quantitative");
            position["stack"] = Value::Null;
            let kind = match spread {
                Spread::Linear => json!({"type": "linear", "nice": false, "zero": false}),
                Spread::Log => json!({"type": "log", "nice": false}),
                Spread::SymmetricLog(linear_to) => json!({"type": "symlog", "constant": linear_to, "nice": false}),
            };
            position["scale"] = kind;
            if !has_own || scale.has_fixed_domain() {
                position["scale"]["domain"] = json!([from, to]);
            } else if let ScaleKind::Linear { has_zero, .. } = scale.kind {
                position["scale"]["zero"] = json!(has_zero);
                position["scale"]["nice"] = json!(true);
            }
            position["axis"] = json!({"labelExpr": label_expression(*format)});
            let labelled = ticks.ticks.iter().filter(|tick| !tick.label.is_empty());
            if !has_own {
                position["axis"]["values"] = labelled.filter_map(|tick| tick.value).collect();
            }
        }
    }
    position
}

/// How ticks are written, as in `svg`.
fn label_expression(format: Format) -> String {
    match format {
        Format::Percent => "datum.label === '' ? '' : format(datum.value, '~%')".to_owned(),
        Format::Plain => {
            "datum.label !== '' && isNumber(datum.value) && abs(datum.value) >= 1000 && abs(datum.value) < 1e12 \
                          ? format(datum.value, '~s') : datum.label"
                .to_owned()
        }
    }
}

fn color(figure: &Figure, theme: &Theme, resolved: &Resolved, mark: &Mark) -> Value {
    let name = match &mark.color {
        Color::Field(name) => name,
        Color::Category(i) => return json!({"value": theme.categories[i % theme.categories.len()]}),
        Color::Muted => return json!({"value": theme.muted}),
        Color::Ink => return ink(figure, theme, mark),
    };
    let title = figure.color.as_ref().map_or("", |scale| scale.title.as_str());
    let title = if title.is_empty() { Value::Null } else { json!(title) };
    let field = escape_field(name);
    match (&resolved.palette, figure.color.as_ref().map(|scale| &scale.kind)) {
        (Palette::Words { words, colors, is_ordered }, _) => {
            let domain = figure.data.column(name).map_or_else(Vec::new, |values| typed(values, words.clone()));
            let kind = if *is_ordered { "ordinal" } else { "nominal" };
            let mut color =
                json!({"field": field, "type": kind, "title": title, "scale": {"domain": domain, "range": colors}});
            // Bands are translucent, what tells them apart is not; long legends stand in columns, whole.
            color["legend"] = if is_on_axis(figure) {
                Value::Null
            } else {
                json!({"symbolOpacity": 1, "symbolLimit": 0, "columns": words.len().div_ceil(16).max(1)})
            };
            color
        }
        (Palette::Numbers(Domain::Numbers { spread, from, to, .. }), Some(ColorKind::Sequence { format, .. })) => {
            let kind = if *spread == Spread::Log { "log" } else { "linear" };
            let mut color = json!({"field": field, "type": "quantitative", "title": title});
            color["scale"] = json!({"type": kind, "domain": [from, to], "nice": false, "clamp": true});
            if kind == "linear" {
                color["scale"]["zero"] = json!(false);
            }
            color["legend"] = json!({"labelExpr": label_expression(*format)});
            color
        }
        _ => json!({"value": theme.ink}),
    }
}

/// Ink, or white on a dark cell.
fn ink(figure: &Figure, theme: &Theme, mark: &Mark) -> Value {
    let cell = figure.marks.iter().find(|mark| mark.shape == Shape::Cell).map(|mark| &mark.color);
    match (mark.shape, cell) {
        (Shape::Text, Some(Color::Field(name))) => {
            let test = format!("luminance(scale('color', {})) < 0.18", datum(name));
            json!({"condition": {"test": test, "value": "#ffffff"}, "value": theme.ink})
        }
        _ => json!({"value": theme.ink}),
    }
}
