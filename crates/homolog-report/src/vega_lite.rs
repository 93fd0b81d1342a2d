//! A figure as a Vega-Lite 6 specification with its data in it, for whoever wants to restyle it in Altair or on a page.
//!
//! It says what `svg` draws with the same columns, domains, colours and panel sizes; a point of print is a pixel here.

mod encoding;

use serde_json::{Map, Value, json};

use crate::Error;
use crate::check::check;
use crate::figure::{Channel, Color, Figure, Mark, Shape, Values};
use crate::rows::distinct;
use crate::svg::{Domain, Resolved, has_lying_bars, resolve, spoken};
use crate::theme::Theme;

/// Writes the specification. Equal figures and themes give equal bytes.
///
/// Errors: as [`crate::svg`].
pub fn vega_lite(figure: &Figure, theme: &Theme) -> Result<String, Error> {
    check(figure)?;
    let resolved = resolve(figure, theme);
    let is_shown = |mark: &&Mark| mark.shape != Shape::Text || !resolved.has_tiny_cells();
    let layers: Vec<Value> =
        figure.marks.iter().filter(is_shown).map(|mark| layer(figure, theme, &resolved, mark)).collect();
    let mut spec = json!({
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "description": format!("{}. {}", figure.title, figure.caption),
        "usermeta": {"name": figure.name, "title": figure.title, "caption": figure.caption},
        "background": theme.background,
        "config": config(theme),
        "data": {"values": rows(figure)},
    });
    let (width, height) = resolved.panel_size;
    let panel = json!({"width": width.round(), "height": height.round(), "layer": layers});
    match &figure.facet {
        Some(facet) if figure.data.n_rows() > 0 => {
            let kind = if matches!(figure.data.column(&facet.column), Some(Values::Numbers(_))) {
                "ordinal"
            } else {
                "nominal"
            };
            // As in `svg`, a number alone would not say of what.
            let prefix = if kind == "ordinal" { format!("{} ", spoken(&facet.column)) } else { String::new() };
            spec["facet"] = json!({
                "field": escape_field(&facet.column),
                "type": kind,
                "sort": encoding::sorted(figure, &facet.column),
                "title": null,
                "header": {"labelExpr": format!("{} + datum.label", json!(prefix))},
            });
            spec["columns"] = json!(facet.n_columns.max(1));
            spec["spec"] = panel;
            if facet.has_own_y {
                spec["resolve"] = json!({"scale": {"y": "independent"}});
                spec["title"] = json!({
                    "text": figure.y.title,
                    "orient": "left",
                    "anchor": "middle",
                    "fontSize": theme.title_size,
                    "fontWeight": "normal",
                    "color": theme.ink,
                });
            }
        }
        _ => merge(&mut spec, panel),
    }
    Ok(format!("{spec:#}\n"))
}

fn merge(spec: &mut Value, other: Value) {
    if let (Value::Object(spec), Value::Object(other)) = (spec, other) {
        spec.extend(other);
    }
}

/// The data, an object a row.
fn rows(figure: &Figure) -> Vec<Value> {
    let row = |row: usize| {
        let cell = |values: &Values| match values {
            Values::Numbers(_) => values.number(row).map_or(Value::Null, |number| json!(number)),
            Values::Words(words) => json!(words[row]),
        };
        figure
            .data
            .columns
            .iter()
            .map(|column| (column.name.clone(), cell(&column.values)))
            .collect::<Map<_, _>>()
            .into()
    };
    (0..figure.data.n_rows()).map(row).collect()
}

/// A field's name where Vega-Lite would read a path into it.
fn escape_field(name: &str) -> String {
    let mut escaped = String::new();
    for character in name.chars() {
        if matches!(character, '.' | '[' | ']' | '\\' | '\'' | '"') {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}

/// A field's value within an expression.
fn datum(name: &str) -> String {
    format!("datum[{}]", json!(name))
}

/// One mark.
fn layer(figure: &Figure, theme: &Theme, resolved: &Resolved, mark: &Mark) -> Value {
    let mut layer = Map::new();
    let has_field = mark.positions().iter().any(|(_, channel)| matches!(channel, Some(Channel::Field(_))));
    if !has_field && !matches!(mark.color, Color::Field(_)) {
        // Drawn once, not once for each row.
        layer.insert("data".to_owned(), json!({"values": [{}]}));
    }
    let mut transforms = Vec::new();
    if let Some((column, word)) = &mark.only {
        let word = match figure.data.column(column) {
            Some(Values::Numbers(_)) => word.parse().map_or_else(|_| json!(word), |number: f64| json!(number)),
            _ => json!(word),
        };
        transforms.push(json!({"filter": format!("{} === {word}", datum(column))}));
    }
    if let (Shape::Text, Some(column)) = (mark.shape, &mark.text) {
        transforms.push(json!({"filter": format!("isValid({})", datum(column))}));
    }
    transforms.extend(encoding::bar_edges(figure, mark));
    if !transforms.is_empty() {
        layer.insert("transform".to_owned(), transforms.into());
    }
    layer.insert("mark".to_owned(), shape(figure, theme, resolved, mark));
    layer.insert("encoding".to_owned(), encoding::encoding(figure, theme, resolved, mark));
    layer.into()
}

/// The mark's type and what is fixed about it.
fn shape(figure: &Figure, theme: &Theme, resolved: &Resolved, mark: &Mark) -> Value {
    let area = |radius: f64| std::f64::consts::PI * radius * radius;
    let mut shape = match mark.shape {
        // A line through one point would not be seen.
        Shape::Line if has_one_place(figure, mark) => {
            json!({"type": "point", "filled": true, "size": area(theme.point_radius)})
        }
        Shape::Line => json!({"type": "line", "strokeWidth": theme.line_width}),
        Shape::Band if has_one_place(figure, mark) => {
            json!({"type": "rule", "strokeWidth": 4, "opacity": theme.band_opacity})
        }
        Shape::Band => json!({"type": "area", "opacity": theme.band_opacity, "line": false}),
        Shape::Bar if has_lying_bars(figure) => json!({"type": "bar", "orient": "horizontal"}),
        Shape::Bar => json!({"type": "bar", "orient": "vertical"}),
        Shape::Cell => json!({"type": "rect"}),
        Shape::Hexbin { n_across } => {
            // A custom shape of radius 1 is drawn at half the root of its size.
            let radius = resolved.panel_size.0 / f64::from(n_across) / 3.0_f64.sqrt();
            let hexagon = "M0,-1L0.866,-0.5L0.866,0.5L0,1L-0.866,0.5L-0.866,-0.5Z";
            json!({"type": "point", "shape": hexagon, "size": 4.0 * radius * radius, "filled": true, "opacity": 1, "strokeWidth": 0, "clip": true})
        }
        Shape::Point => {
            json!({"type": "point", "filled": true, "size": area(theme.point_radius), "opacity": theme.point_opacity})
        }
        Shape::Rule => json!({"type": "rule", "strokeWidth": theme.axis_width * 1.2}),
        Shape::Text if figure.x.is_band() && figure.y.is_band() => {
            json!({"type": "text", "fontSize": theme.label_size})
        }
        Shape::Text => {
            json!({"type": "text", "fontSize": theme.label_size, "align": "left", "baseline": "middle", "dx": theme.point_radius + 2.0})
        }
    };
    if matches!(mark.shape, Shape::Line | Shape::Band | Shape::Bar | Shape::Rule) && figure.has_fixed_domain() {
        shape["clip"] = json!(true);
    }
    shape
}

/// Whether all rows of a mark have one x.
fn has_one_place(figure: &Figure, mark: &Mark) -> bool {
    let places = figure.field(mark.x.as_ref());
    places.is_some_and(|values| distinct(values, mark.rows(&figure.data).into_iter()).len() == 1)
}

impl Resolved {
    /// Whether cells are too small to write in.
    fn has_tiny_cells(&self) -> bool {
        match (&self.x, &self.y) {
            (Domain::Words(x), Domain::Words(y)) => {
                self.panel_size.0 < 14.0 * x.len() as f64 || self.panel_size.1 < 8.0 * y.len() as f64
            }
            _ => false,
        }
    }
}

/// The theme as Vega-Lite's configuration.
fn config(theme: &Theme) -> Value {
    let family = crate::font::FAMILIES;
    json!({
        "font": family,
        "view": {"stroke": null},
        "axis": {
            "grid": theme.grid_width > 0.0,
            "gridColor": theme.grid,
            "gridWidth": theme.grid_width,
            "domainColor": theme.ink,
            "domainWidth": theme.axis_width,
            "tickColor": theme.ink,
            "tickWidth": theme.axis_width,
            "tickSize": theme.tick_length,
            "labelColor": theme.ink,
            "labelFontSize": theme.label_size,
            "titleColor": theme.ink,
            "titleFontSize": theme.title_size,
            "titleFontWeight": "normal",
            "labelOverlap": true,
        },
        "legend": {
            "labelColor": theme.ink,
            "labelFontSize": theme.label_size,
            "titleColor": theme.ink,
            "titleFontSize": theme.title_size,
            "titleFontWeight": "normal",
            "symbolSize": 40,
        },
        "header": {"labelFontSize": theme.title_size, "labelColor": theme.ink, "labelAnchor": "start"},
        "facet": {"spacing": 12},
        "range": {"category": theme.categories, "ordinal": theme.sequence, "ramp": theme.sequence, "heatmap": theme.sequence},
    })
}

#[cfg(test)]
mod tests;
