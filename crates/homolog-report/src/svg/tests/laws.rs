//! What holds of every figure, whatever its data: nothing is cut off, nothing written stands on anything else written.

use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use super::gallery::gallery;
use super::reading::read;
use crate::figure::{
    Channel, Color, ColorKind, ColorScale, Column, Data, Facet, Figure, Format, Mark, Scale, ScaleKind, Shape, Values,
    Width,
};
use crate::theme::Theme;

/// Holds a figure to all of it.
fn assert_is_sound(figure: &Figure) {
    let theme = Theme::default();
    let svg = crate::svg(figure, &theme).unwrap();
    assert_eq!(svg, crate::svg(figure, &theme).unwrap(), "two draws differ");
    for nonsense in ["NaN", "inf\"", "infinity"] {
        assert!(!svg.contains(&format!("=\"{nonsense}")), "{nonsense} as a length");
    }
    let read = read(&svg);
    for text in &read.texts {
        assert!(read.page.contains(text.ink), "{}: {text:?} is cut off by {:?}", figure.name, read.page);
    }
    let written: Vec<_> = read.texts.iter().filter(|text| text.class != "text").collect();
    for (i, a) in written.iter().enumerate() {
        for b in &written[..i] {
            assert!(!a.ink.overlaps(b.ink), "{}: {a:?} stands on {b:?}", figure.name);
        }
        let may_be_inside = matches!(a.class.as_str(), "no-data");
        for panel in read.panels.iter().filter(|_| !may_be_inside) {
            assert!(!a.ink.overlaps(*panel), "{}: {a:?} stands in the panel {panel:?}", figure.name);
        }
    }
    for panel in &read.panels {
        assert!(read.page.contains(*panel) && panel.width > 10.0 && panel.height > 10.0, "{panel:?}");
    }
    let n_words = figure.data.column("facet").map_or(0, |values| crate::rows::distinct(values, 0..values.len()).len());
    let n_panels = if figure.facet.is_some() { n_words.max(1) } else { 1 };
    if figure.facet.as_ref().is_some_and(|facet| facet.column == "facet") {
        assert_eq!(read.panels.len(), n_panels);
    }
}

#[test]
fn every_figure_of_the_gallery_is_sound() {
    for figure in gallery() {
        assert_is_sound(&figure);
    }
}

#[test]
fn the_law_sees_what_is_cut_off_and_what_overlaps() {
    let figure = gallery().swap_remove(0);
    let svg = crate::svg(&figure, &Theme::default()).unwrap();
    let narrow = svg.replace("viewBox=\"0 0 486", "viewBox=\"0 0 470");
    let cut = read(&narrow);
    assert!(cut.texts.iter().any(|text| !cut.page.contains(text.ink)));
    let large = read(&svg.replace("font-size=\"7\"", "font-size=\"30\""));
    let overlaps = |a: usize, b: usize| large.texts[a].ink.overlaps(large.texts[b].ink);
    assert!((1..large.texts.len()).any(|i| overlaps(i, i - 1)));
}

#[test]
fn axes_say_what_they_mark() {
    let gallery = gallery();
    let ticks = |name: &str, class: &str| -> Vec<String> {
        let figure = gallery.iter().find(|figure| figure.name == name).unwrap();
        let svg = crate::svg(figure, &Theme::default()).unwrap();
        read(&svg).texts.into_iter().filter(|text| text.class == class).map(|text| text.written).collect()
    };
    let steps = ["1k", "2k", "5k", "10k", "20k", "50k", "100k", "200k", "500k"];
    assert_eq!(ticks("01-emergence-12", "tick-x"), steps);
    assert_eq!(ticks("01-emergence-12", "legend-tick").len(), 12);
    assert_eq!(ticks("09-symlog", "tick-x")[..4], ["0", "30", "100", "300"]);
    assert_eq!(ticks("06-log-log", "tick-x"), ["1", "10", "100", "1k", "10k", "100k"]);
    assert_eq!(ticks("10-error-bars", "tick-x")[..3], ["universal", "matched", "controls"]);
    assert_eq!(ticks("16-twelve-facets", "heading")[11], "Layer 11");
    // Outer labels only: four panels have three of them each.
    assert_eq!(ticks("16-twelve-facets", "tick-x").len(), 12);
    assert_eq!(ticks("12-no-data", "no-data"), ["no data"]);
    assert!(ticks("12-no-data", "tick-x").is_empty(), "ticks without data");
    // Forty-eight layers: every third is named.
    assert_eq!(ticks("04b-heatmap-48", "tick-y")[..3], ["0", "3", "6"]);
}

#[test]
fn text_is_escaped() {
    let mut figure = gallery().swap_remove(0);
    figure.x.title = "a < b & \"c\" > 'd' </text> \u{1}".to_owned();
    figure.title = figure.x.title.clone();
    let svg = crate::svg(&figure, &Theme::default()).unwrap();
    let title: Vec<_> = read(&svg).texts.into_iter().filter(|text| text.class == "title-x").collect();
    assert_eq!(title[0].written, "a < b & \"c\" > 'd' </text> \u{fffd}");
}

#[test]
fn a_missing_value_parts_a_line_and_is_no_cell() {
    let mut figure = gallery().swap_remove(0);
    let count = |figure: &Figure, tag: &str| {
        let svg = crate::svg(figure, &Theme::default()).unwrap();
        let part = svg.split("<g class=\"line\">").nth(1).unwrap().split("</g>").next().unwrap();
        part.matches(tag).count()
    };
    let whole = count(&figure, "<path");
    let Values::Numbers(mean) = &mut figure.data.columns[2].values else { panic!("words") };
    mean[2] = None;
    assert_eq!(count(&figure, "<path"), whole + 1);
    let Values::Numbers(mean) = &mut figure.data.columns[2].values else { panic!("words") };
    mean[3] = None;
    // Two points, and one alone, which is a dot.
    assert_eq!((count(&figure, "<path"), count(&figure, "<circle")), (whole, 1));
}

/// Numbers of the gallery's bars, on a log scale with a panel each.
fn bars_on_a_log_scale(numbers: &[Option<f64>]) -> Figure {
    let words = |values: &[&str]| Values::Words(values.iter().map(|&value| value.to_owned()).collect());
    let column = |name: &str, values: Values| Column { name: name.to_owned(), values };
    let field = |name: &str| Some(Channel::Field(name.to_owned()));
    let mut figure = gallery().swap_remove(0);
    figure.name = "log-bars".to_owned();
    figure.data = Data {
        columns: vec![
            column("place", words(&["a", "b"][..numbers.len()])),
            column("facet", words(&["first", "second"][..numbers.len()])),
            column("size", Values::Numbers(numbers.to_vec())),
        ],
    };
    figure.marks = vec![Mark {
        shape: Shape::Bar,
        x: field("place"),
        x2: None,
        y: field("size"),
        y2: None,
        color: Color::Field("size".to_owned()),
        style: None,
        text: None,
        only: None,
    }];
    figure.x.kind = ScaleKind::Band;
    figure.y.kind = ScaleKind::Log { domain: None };
    let kind = ColorKind::Sequence { domain: None, is_log: true, format: Format::Plain };
    figure.color = Some(ColorScale { title: "Size".to_owned(), kind });
    figure.facet = Some(Facet { column: "facet".to_owned(), n_columns: 2, has_own_y: true });
    figure
}

#[test]
fn bars_of_a_log_scale_stand_below_the_least_and_need_no_value() {
    assert_is_sound(&bars_on_a_log_scale(&[Some(20.0), None]));
    let mut figure = bars_on_a_log_scale(&[Some(0.03), Some(0.3)]);
    figure.facet = None;
    let svg = crate::svg(&figure, &Theme::default()).unwrap();
    let bars = svg.split("<g class=\"bar\">").nth(1).unwrap().split("</g>").next().unwrap();
    let heights: Vec<f64> =
        bars.split(" height=\"").skip(1).map(|part| part.split('"').next().unwrap().parse().unwrap()).collect();
    assert!(!bars.contains("overflow") && heights.len() == 2 && heights[0] > 5.0, "{heights:?}");
    // On a scale from 0.01 to 0.5, as far apart as 0.3 and 0.03.
    assert!((heights[1] / heights[0] - 30_f64.log10() / 3_f64.log10()).abs() < 0.01, "{heights:?}");
}

#[test]
fn a_colour_bar_of_nearly_equal_numbers_is_measured_as_it_is_drawn() {
    let mut figure = bars_on_a_log_scale(&[Some(1.000_000_01), Some(1.000_000_99)]);
    figure.aspect = 0.2;
    let svg = crate::svg(&figure, &Theme::default()).unwrap();
    let read = read(&svg);
    let ticks: Vec<_> = read.texts.iter().filter(|text| text.class == "legend-tick").collect();
    // A higher bar has more of them, with fewer digits.
    let written: Vec<&str> = ticks.iter().map(|text| text.written.as_str()).collect();
    assert_eq!(written, ["1.00000001", "1.00000099"]);
    // The edge of a figure stays free.
    for text in ticks {
        assert!(text.ink.right() < read.page.right() - 3.5, "{text:?} in {:?}", read.page);
    }
}

fn number(seed: u64, i: usize) -> f64 {
    let mixed = (seed ^ (i as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    ((mixed ^ (mixed >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
}

const WORDS: [&str; 8] = [
    "a",
    "stanford-crfm/battlestar-gpt2-small-x49-checkpoint-400000",
    "matched controls",
    "<b>&amp;</b>",
    "5",
    "Ångström 12",
    "random neurons of the same layer and of about the same norm",
    "x",
];

prop_compose! {
    fn any_figure()(
        seed: u64,
        n_rows in 0_usize..40,
        (n_words, n_facets) in (1_usize..=8, 1_usize..=12),
        shape in prop_oneof![
            Just(Shape::Line), Just(Shape::Band), Just(Shape::Bar), Just(Shape::Cell), Just(Shape::Point),
            Just(Shape::Rule), Just(Shape::Hexbin { n_across: 20 }),
        ],
        (x_kind, y_kind, color_kind) in (0_usize..5, 0_usize..5, 0_usize..5),
        (magnitude, offset) in (-9_i32..9, prop_oneof![Just(0.0), Just(1.0), Just(1e6)]),
        (is_page, aspect, n_columns, has_own_y, is_faceted) in (any::<bool>(), 0.2_f64..1.3, 1_usize..6, any::<bool>(), any::<bool>()),
        (is_styled, title_words) in (any::<bool>(), 0_usize..12),
    ) -> Figure {
        let value = |k: usize| (0..n_rows).map(move |i| {
            let share = number(seed, 7 * i + k);
            (share > 0.07).then(|| (share + offset) * 10_f64.powi(magnitude))
        }).collect();
        let word = |k: usize, n: usize| (0..n_rows).map(|i| (number(seed, 7 * i + k) * n as f64) as usize).collect::<Vec<_>>();
        let columns = vec![
            Column { name: "x".to_owned(), values: Values::Numbers(value(0)) },
            Column { name: "y".to_owned(), values: Values::Numbers(value(1)) },
            Column { name: "y2".to_owned(), values: Values::Numbers(value(2)) },
            Column { name: "word".to_owned(), values: Values::Words(word(3, n_words).into_iter().map(|i| WORDS[i].to_owned()).collect()) },
            Column { name: "facet".to_owned(), values: Values::Words(word(4, n_facets).into_iter().map(|i| format!("Panel {i} of some")).collect()) },
        ];
        let kind = |kind: usize| match kind {
            _ if shape == Shape::Cell => ScaleKind::Band,
            0 => ScaleKind::Linear { domain: None, has_zero: seed % 2 == 0, format: Format::Plain },
            1 => ScaleKind::Linear { domain: None, has_zero: false, format: Format::Percent },
            2 => ScaleKind::Log { domain: None },
            3 => ScaleKind::SymmetricLog { linear_to: 1.0, format: Format::Plain },
            _ => ScaleKind::Band,
        };
        let title = |k: usize| (0..title_words).map(|i| WORDS[(seed as usize % 97 + i * k) % 8]).collect::<Vec<_>>().join(" ");
        let field = |name: &str| Some(Channel::Field(name.to_owned()));
        let (x, y) = (kind(x_kind), kind(y_kind));
        let is_band = |kind: &ScaleKind| matches!(kind, ScaleKind::Band);
        let mark = Mark {
            shape,
            x: field(if is_band(&x) { "word" } else { "x" }),
            x2: None,
            y: field(if is_band(&y) { "facet" } else { "y" }),
            y2: matches!(shape, Shape::Band | Shape::Rule).then(|| Channel::Field(if is_band(&y) { "facet" } else { "y2" }.to_owned())),
            color: match color_kind { 0 => Color::Muted, 1 | 2 => Color::Field("word".to_owned()), _ => Color::Field("y".to_owned()) },
            style: is_styled.then(|| "facet".to_owned()),
            text: None,
            only: None,
        };
        let color = match color_kind {
            0 => None,
            1 => Some(ColorKind::Categories),
            2 => Some(ColorKind::Ordered),
            _ => Some(ColorKind::Sequence { domain: None, is_log: color_kind == 4, format: Format::Plain }),
        };
        Figure {
            name: "any".to_owned(),
            title: title(1),
            caption: title(2),
            width: if is_page { Width::Page } else { Width::Column },
            aspect,
            data: Data { columns },
            marks: vec![mark],
            x: Scale { title: title(3), kind: x },
            y: Scale { title: title(5), kind: y },
            color: color.map(|kind| ColorScale { title: title(7), kind }),
            facet: is_faceted.then(|| Facet { column: "facet".to_owned(), n_columns, has_own_y }),
        }
    }
}

/// The same figures in every run, so that whether a change passes is no matter of luck.
///
/// Other figures: `for seed in $(seq 100); do PROPTEST_RNG_SEED=$seed cargo test -p homolog-report every_figure_is_sound || break; done`.
/// Whoever changes layout, ticks or legends should run that once; what fails fails again with its seed.
fn config() -> ProptestConfig {
    // Proptest has read the environment already: only where that gave no seed is the seed random.
    let config = ProptestConfig::default();
    let rng_seed = if config.rng_seed == RngSeed::Random { RngSeed::Fixed(0) } else { config.rng_seed };
    ProptestConfig { cases: 128, failure_persistence: None, rng_seed, ..config }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn every_figure_is_sound(figure in any_figure()) {
        assert_is_sound(&figure);
    }
}
