//! One figure of each kind, and the degenerate ones. With `HOMOLOG_GALLERY=FOLDER` the files are left there to be looked at.

use std::path::PathBuf;

use crate::figure::{
    Channel, Color, ColorKind, ColorScale, Column, Data, Facet, Figure, Format, Mark, Scale, ScaleKind, Shape, Values,
    Width,
};
use crate::theme::Theme;

#[expect(clippy::unnecessary_wraps, reason = "as the figure's fields are")]
fn field(name: &str) -> Option<Channel> {
    Some(Channel::Field(name.to_owned()))
}

fn numbers(name: &str, values: impl IntoIterator<Item = f64>) -> Column {
    let values = values.into_iter().map(|value| Some(value).filter(|value| !value.is_nan())).collect();
    Column { name: name.to_owned(), values: Values::Numbers(values) }
}

fn words<W: ToString>(name: &str, values: impl IntoIterator<Item = W>) -> Column {
    Column { name: name.to_owned(), values: Values::Words(values.into_iter().map(|word| word.to_string()).collect()) }
}

fn mark(shape: Shape, x: &str, y: &str, color: Color) -> Mark {
    Mark { shape, x: field(x), x2: None, y: field(y), y2: None, color, style: None, text: None, only: None }
}

fn linear(title: &str) -> Scale {
    let kind = ScaleKind::Linear { domain: None, has_zero: false, format: Format::Plain };
    Scale { title: title.to_owned(), kind }
}

fn share(title: &str) -> Scale {
    Scale { title: title.to_owned(), kind: ScaleKind::Linear { domain: None, has_zero: true, format: Format::Percent } }
}

fn log(title: &str) -> Scale {
    Scale { title: title.to_owned(), kind: ScaleKind::Log { domain: None } }
}

fn band(title: &str) -> Scale {
    Scale { title: title.to_owned(), kind: ScaleKind::Band }
}

#[expect(clippy::unnecessary_wraps, reason = "as the figure's fields are")]
fn colors(title: &str, kind: ColorKind) -> Option<ColorScale> {
    Some(ColorScale { title: title.to_owned(), kind })
}

fn by(name: &str) -> Color {
    Color::Field(name.to_owned())
}

fn figure(name: &str, columns: Vec<Column>, marks: Vec<Mark>, x: Scale, y: Scale) -> Figure {
    Figure {
        name: name.to_owned(),
        title: format!("Figure {name}"),
        caption: "What is drawn <here> & there.".to_owned(),
        width: Width::Page,
        aspect: 0.55,
        data: Data { columns },
        marks,
        x,
        y,
        color: None,
        facet: None,
    }
}

/// Something between 0 and 1 that looks random and is the same each time.
fn noise(i: usize) -> f64 {
    let mixed = (i as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ (mixed >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (mixed >> 11) as f64 / (1_u64 << 53) as f64
}

fn normal(i: usize) -> f64 {
    (0..12).map(|k| noise(12 * i + k)).sum::<f64>() - 6.0
}

fn emergence(name: &str, n_layers: usize, steps: &[f64], x: Scale) -> Figure {
    let rows: Vec<(usize, f64)> =
        (0..n_layers).flat_map(|layer| steps.iter().map(move |&step| (layer, step))).collect();
    let y = |(i, (layer, step)): (usize, &(usize, f64))| {
        0.1 + 0.5 * *layer as f64 / n_layers as f64 * (1.0 - (-step / 1e5).exp()) + 0.01 * noise(i)
    };
    let ys: Vec<f64> = rows.iter().enumerate().map(y).collect();
    let mut band_mark = mark(Shape::Band, "step", "low", by("layer"));
    band_mark.y2 = field("high");
    let columns = vec![
        numbers("layer", rows.iter().map(|row| row.0 as f64)),
        numbers("step", rows.iter().map(|row| row.1)),
        numbers("mean", ys.iter().copied()),
        numbers("low", ys.iter().map(|y| y - 0.02)),
        numbers("high", ys.iter().map(|y| y + 0.02)),
    ];
    let marks = vec![band_mark, mark(Shape::Line, "step", "mean", by("layer"))];
    let mut figure = figure(name, columns, marks, x, linear("Mean max correlation with the final model"));
    figure.color = colors("Layer", ColorKind::Ordered);
    figure
}

const STEPS: [f64; 5] = [1000.0, 20_000.0, 80_000.0, 200_000.0, 400_000.0];

fn symlog(title: &str, linear_to: f64) -> Scale {
    Scale { title: title.to_owned(), kind: ScaleKind::SymmetricLog { linear_to, format: Format::Plain } }
}

const MODELS: [&str; 5] = ["alias-x21", "battlestar-x49", "caprica-x81", "darkmatter-x343", "expanse-x777"];

fn faceted_bars() -> Figure {
    let rows: Vec<(&str, usize, &str)> = MODELS
        .iter()
        .flat_map(|&model| (0..12).flat_map(move |layer| ["exact", "baseline"].map(|kind| (model, layer, kind))))
        .collect();
    let columns = vec![
        words("model", rows.iter().map(|row| row.0)),
        numbers("layer", rows.iter().map(|row| row.1 as f64)),
        words("kind", rows.iter().map(|row| row.2)),
        numbers("share", rows.iter().enumerate().map(|(i, row)| 0.05 * noise(i) * (row.1 as f64 + 1.0).sqrt())),
    ];
    let marks = vec![mark(Shape::Bar, "layer", "share", by("kind"))];
    let mut figure = figure("03-faceted-bars", columns, marks, band("Layer"), share("Share universal"));
    figure.aspect = 0.7;
    figure.color = colors("Kind", ColorKind::Categories);
    figure.facet = Some(Facet { column: "model".to_owned(), n_columns: 3, has_own_y: false });
    figure
}

fn heatmap(name: &str, n: usize, with_text: bool, width: Width) -> Figure {
    let cells: Vec<(usize, usize)> = (0..n).flat_map(|i| (0..n).map(move |j| (i, j))).collect();
    let value = |&(i, j): &(usize, usize)| {
        if i == 2 && j == 5 { f64::NAN } else { (-(i as f64 - j as f64).powi(2) / 9.0).exp() }
    };
    let columns = vec![
        numbers("layer_a", cells.iter().map(|cell| cell.0 as f64)),
        numbers("layer_b", cells.iter().map(|cell| cell.1 as f64)),
        numbers("corr", cells.iter().map(value)),
    ];
    let mut marks = vec![mark(Shape::Cell, "layer_a", "layer_b", by("corr"))];
    if with_text {
        marks.push(Mark { text: Some("corr".to_owned()), ..mark(Shape::Text, "layer_a", "layer_b", Color::Ink) });
    }
    let mut figure = figure(name, columns, marks, band("Layer of model A"), band("Layer of model B"));
    figure.aspect = if width == Width::Page { 0.6 } else { 1.0 };
    figure.width = width;
    let kind = ColorKind::Sequence { domain: None, is_log: false, format: Format::Plain };
    figure.color = colors("Mean max correlation", kind);
    figure
}

fn hexbins() -> Figure {
    let (n_across, aspect) = (24_u32, 0.9);
    let mut bins: std::collections::BTreeMap<(usize, i64, i64), f64> = std::collections::BTreeMap::new();
    let step = 1.0 / f64::from(n_across);
    let row_step = step * 3.0_f64.sqrt() / 2.0 / aspect;
    for layer in 0..6 {
        for i in 0..3000 {
            let k = layer * 3000 + i;
            let (x, y) = (0.3 + 0.06 * layer as f64 + 0.1 * normal(2 * k), 0.4 + 0.12 * normal(2 * k + 1));
            let row = (y / row_step).round();
            let shift = if row as i64 % 2 == 0 { 0.0 } else { 0.5 };
            let column = (x / step - shift).round();
            *bins.entry((layer, row as i64, (2.0 * (column + shift)) as i64)).or_default() += 1.0;
        }
    }
    let columns = vec![
        words("layer", bins.keys().map(|key| format!("Layer {}", key.0))),
        numbers("corr", bins.keys().map(|key| key.2 as f64 / 2.0 * step)),
        numbers("kurtosis", bins.keys().map(|key| key.1 as f64 * row_step)),
        numbers("n_neurons", bins.values().copied()),
    ];
    let marks = vec![mark(Shape::Hexbin { n_across }, "corr", "kurtosis", by("n_neurons"))];
    let fixed = |title: &str| {
        let kind = ScaleKind::Linear { domain: Some([0.0, 1.0]), has_zero: false, format: Format::Plain };
        Scale { title: title.to_owned(), kind }
    };
    let mut figure = figure("05-hexbin", columns, marks, fixed("Max correlation"), fixed("Share of something"));
    figure.aspect = aspect;
    figure.color = colors("Neurons", ColorKind::Sequence { domain: None, is_log: true, format: Format::Plain });
    figure.facet = Some(Facet { column: "layer".to_owned(), n_columns: 3, has_own_y: false });
    figure
}

fn points() -> Figure {
    let n = 400;
    let x: Vec<f64> = (0..n).map(|i| 10_f64.powf(3.0 + normal(i))).collect();
    let columns = vec![
        words("family", (0..n).map(|i| MODELS[i % 3])),
        words("kind", (0..n).map(|i| ["universal", "other"][usize::from(noise(i) > 0.2)])),
        numbers("damage", x.iter().enumerate().map(|(i, x)| x.powf(-1.3) * (0.5 * normal(i + 9999)).exp())),
        numbers("n", x.iter().copied()),
    ];
    let mut points = mark(Shape::Point, "n", "damage", by("family"));
    points.style = Some("kind".to_owned());
    let mut figure = figure("06-log-log", columns, vec![points], log("Tokens on which it fires"), log("Damage (nats)"));
    figure.color = colors("Model", ColorKind::Categories);
    figure.width = Width::Column;
    figure.aspect = 0.8;
    figure
}

fn stacked() -> Figure {
    let kinds = ["kept", "lost", "gained"];
    let rows: Vec<(usize, usize)> = (0..12).flat_map(|layer| (0..3).map(move |kind| (layer, kind))).collect();
    let count = |layer: usize, kind: usize| (100.0 * noise(3 * layer + kind)).round();
    let below = |&(layer, kind): &(usize, usize)| (0..kind).map(|k| count(layer, k)).sum::<f64>();
    let columns = vec![
        numbers("layer", rows.iter().map(|row| row.0 as f64)),
        words("kind", rows.iter().map(|row| kinds[row.1])),
        numbers("from", rows.iter().map(below)),
        numbers("to", rows.iter().map(|row| below(row) + count(row.0, row.1))),
    ];
    let mut bars = mark(Shape::Bar, "layer", "to", by("kind"));
    bars.y2 = field("from");
    let mut figure = figure("07-stacked", columns, vec![bars], band("Layer"), linear("Neurons"));
    figure.color = colors("Universal neurons that were", ColorKind::Categories);
    figure.width = Width::Column;
    figure.aspect = 0.7;
    figure
}

fn densities() -> Figure {
    let rows: Vec<(usize, f64)> =
        (0..2).flat_map(|kind| (0..81).map(move |i| (kind, -1.0 + f64::from(i) * 0.025))).collect();
    let columns = vec![
        words("kind", rows.iter().map(|row| ["neurons", "random baseline"][row.0])),
        numbers("corr", rows.iter().map(|row| row.1)),
        numbers("density", rows.iter().map(|row| (-(row.1 - 0.3 * row.0 as f64).powi(2) * 18.0).exp() * 2.4)),
    ];
    let threshold = Mark { x: Some(Channel::Value(0.5)), y: None, ..mark(Shape::Rule, "corr", "corr", Color::Muted) };
    let mut line = mark(Shape::Line, "corr", "density", by("kind"));
    line.style = Some("kind".to_owned());
    let mut figure =
        figure("08-densities", columns, vec![threshold, line], linear("Max correlation"), linear("Density"));
    figure.color = colors("Of", ColorKind::Categories);
    figure
}

fn error_bars() -> Figure {
    let rows: Vec<(usize, &str)> =
        (0..4).flat_map(|i| ["zero ablation", "mean ablation"].map(|kind| (i, kind))).collect();
    let groups = ["universal", "matched controls", "random", "top by norm"];
    let value = |i: usize| 0.2 + 0.6 * noise(i);
    let columns = vec![
        words("group", rows.iter().map(|row| groups[row.0])),
        words("kind", rows.iter().map(|row| row.1)),
        numbers("damage", (0..rows.len()).map(value)),
        numbers("low", (0..rows.len()).map(|i| value(i) - 0.1)),
        numbers("high", (0..rows.len()).map(|i| value(i) + 0.1)),
    ];
    let mut rule = mark(Shape::Rule, "group", "low", Color::Ink);
    rule.y2 = field("high");
    let marks = vec![mark(Shape::Bar, "group", "damage", by("kind")), rule];
    let mut figure =
        figure("10-error-bars", columns, marks, band("Neurons"), linear("Loss increase (millinats per token)"));
    figure.color = colors("Ablation", ColorKind::Categories);
    figure.width = Width::Column;
    figure
}

fn labels() -> Figure {
    let n = 24;
    let columns = vec![
        numbers("x", (0..n).map(normal)),
        numbers("y", (0..n).map(|i| 0.4 * normal(i) + 0.3 * normal(i + 100))),
        words("neuron", (0..n).map(|i| format!("{}.{}", i % 12, 31 * i * i % 3072))),
    ];
    let text = Mark { text: Some("neuron".to_owned()), ..mark(Shape::Text, "x", "y", Color::Ink) };
    let marks = vec![mark(Shape::Point, "x", "y", Color::Category(1)), text];
    figure("11-labels", columns, marks, linear("Excess"), linear("Kurtosis"))
}

fn no_data() -> Figure {
    let mut figure = emergence("12-no-data", 3, &[], linear("Step"));
    figure.caption = "Nothing was found.".to_owned();
    figure.aspect = 0.3;
    figure
}

fn one_point() -> Figure {
    emergence("13-one-point", 1, &[400_000.0], linear("Training step"))
}

fn lying_bars() -> Figure {
    let names = [
        "a-very-long-model-name/with-an-organisation/gpt2-small-x21-step-400000-final",
        "short",
        "stanford-crfm/battlestar-gpt2-small-x49",
    ];
    let columns = vec![words("model", names), numbers("n", [120.0, 1405.0, 730.0])];
    let marks = vec![mark(Shape::Bar, "n", "model", Color::Category(0))];
    let mut figure = figure("14-lying-bars", columns, marks, linear("Universal neurons"), band(""));
    figure.aspect = 0.25;
    figure
}

fn long_names() -> Figure {
    let names = (0..9).map(|i| format!("organisation-{i}/a-model-of-some-length-gpt2-medium-x{}", 111 * i));
    let names: Vec<String> = names.collect();
    let columns = vec![words("model", names.clone()), numbers("n", (0..9).map(|i| 1000.0 * noise(i)))];
    let marks = vec![mark(Shape::Bar, "model", "n", by("model"))];
    let mut figure = figure("15-long-names", columns, marks, band("Model"), linear("Universal neurons"));
    figure.color = colors("Model", ColorKind::Categories);
    figure
}

fn twelve_facets() -> Figure {
    let mut figure = emergence("16-twelve-facets", 12, &STEPS, log("Training step"));
    figure.color = None;
    for mark in &mut figure.marks {
        mark.color = Color::Category(0);
    }
    figure.facet = Some(Facet { column: "layer".to_owned(), n_columns: 4, has_own_y: true });
    figure.aspect = 0.8;
    figure
}

fn equal_values() -> Figure {
    let columns = vec![numbers("step", STEPS), numbers("y", [0.0; 5])];
    let marks =
        vec![mark(Shape::Line, "step", "y", Color::Category(0)), mark(Shape::Point, "step", "y", Color::Category(0))];
    figure("17-equal", columns, marks, linear("Training step"), share("Share"))
}

fn histogram() -> Figure {
    let columns = vec![
        numbers("bin", (0..40).map(|i| -0.975 + 0.05 * f64::from(i))),
        numbers("n", (0..40).map(|i| (8.0 - (f64::from(i) - 22.0).powi(2) / 20.0).exp().floor())),
    ];
    let marks = vec![mark(Shape::Bar, "bin", "n", Color::Category(2))];
    let mut figure = figure("18-histogram", columns, marks, linear("Correlation"), linear("Pairs"));
    figure.y.kind = ScaleKind::SymmetricLog { linear_to: 1.0, format: Format::Plain };
    figure.width = Width::Column;
    figure
}

/// All of them.
pub(crate) fn gallery() -> Vec<Figure> {
    let from_zero: Vec<f64> =
        [0.0].into_iter().chain((0..10).map(|k| 38.0 * 3.7_f64.powi(k))).map(f64::round).collect();
    let mut narrow = emergence("02b-emergence-column", 48, &STEPS, log("Training step"));
    narrow.width = Width::Column;
    narrow.aspect = 0.8;
    let mut two = emergence("19-two-checkpoints", 1, &[80_000.0, 400_000.0], log("Training step"));
    two.width = Width::Column;
    vec![
        emergence("01-emergence-12", 12, &STEPS, log("Training step")),
        emergence("02-emergence-48", 48, &STEPS, linear("Training step")),
        narrow,
        faceted_bars(),
        heatmap("04-heatmap", 12, true, Width::Page),
        heatmap("04b-heatmap-48", 48, true, Width::Column),
        hexbins(),
        points(),
        stacked(),
        densities(),
        emergence("09-symlog", 6, &from_zero, symlog("Training step", 30.0)),
        error_bars(),
        labels(),
        no_data(),
        one_point(),
        lying_bars(),
        long_names(),
        twelve_facets(),
        equal_values(),
        histogram(),
        two,
    ]
}

#[test]
fn every_figure_of_the_gallery_is_written_in_full() {
    let temporary = tempfile::tempdir().unwrap();
    let kept = std::env::var_os("HOMOLOG_GALLERY").map(PathBuf::from);
    let folder = kept.as_deref().unwrap_or(temporary.path());
    for figure in gallery() {
        let paths = crate::files::write(&figure, &Theme::default(), folder).unwrap();
        assert_eq!(paths.len(), 5);
        for path in paths {
            assert!(std::fs::metadata(&path).unwrap().len() > 20, "{}", path.display());
        }
    }
}
