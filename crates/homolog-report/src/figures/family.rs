//! The three claims about the family, with intervals over models and tokens.

use homolog_results::FamilyRow;

use super::ablation::set_to;
use super::emergence::with_band;
use super::facts::{Facts, Subject, step};
use crate::impact_words::{CONTROLS, estimate, family, hundredths, level_words, times};
use crate::numbers::listed;
use crate::{ColorKind, ColorScale, Data, Facet, Figure, Format, Mark, Run, Scale, ScaleKind, Shape, Width};

/// A line of a panel.
struct Series {
    panel: &'static str,
    name: &'static str,
    quantity: &'static str,
    control: Option<&'static str>,
    /// Percentages are drawn as such: panels share one kind of ticks.
    factor: f64,
}

impl Series {
    fn share(panel: &'static str, name: &'static str, quantity: &'static str) -> Self {
        Self { panel, name, quantity, control: None, factor: 100.0 }
    }

    fn words(&self, run: &Run, row: &FamilyRow) -> Option<String> {
        let words =
            if self.control.is_some() { estimate(run, row, "", times) } else { estimate(run, row, " %", hundredths) };
        Some(format!("{} {}", self.name, words?))
    }
}

/// Share, persistence and ratio by checkpoint, a panel each.
pub(super) fn claims(run: &Run, facts: &Facts) -> Option<Figure> {
    let mode = facts.modes.first().map(String::as_str);
    let mut series = vec![
        Series::share("universal (%)", "share universal", "share"),
        Series::share("persistent (%)", "persistence", "persistence"),
        Series::share("persistent (%)", "persistence by chance", "expected_persistence"),
    ];
    series.extend(CONTROLS.map(|(control, name)| Series {
        panel: "damage over random",
        name,
        quantity: "ratio",
        control: Some(control),
        factor: 1.0,
    }));
    let row = |series: &Series, checkpoint: Option<i64>| {
        family(run, series.quantity, checkpoint, (mode.filter(|_| series.control.is_some()), series.control))
    };
    let has_estimate = |series: &Series| {
        facts.checkpoints.iter().any(|&step| row(series, step).is_some_and(|row| row.estimate.is_some()))
    };
    series.retain(has_estimate);
    if series.is_empty() {
        return None;
    }
    // Checkpoints without a value too: they keep their place, and part the line.
    let points: Vec<(&Series, Option<i64>, Option<&FamilyRow>)> = series
        .iter()
        .flat_map(|of| facts.checkpoints.iter().map(move |&step| (of, step)))
        .map(|(of, step)| (of, step, row(of, step)))
        .collect();
    let column = |of: fn(&FamilyRow) -> Option<f64>| {
        points.iter().map(move |point| point.2.and_then(of).map(|value| point.0.factor * value)).collect::<Vec<_>>()
    };
    let data = Data::default()
        .words("panel", points.iter().map(|point| point.0.panel))
        .words("checkpoint", points.iter().map(|point| step(point.1)))
        .words("series", points.iter().map(|point| point.0.name))
        .numbers("value", column(|row| row.estimate))
        .numbers("value_least", column(|row| row.low))
        .numbers("value_greatest", column(|row| row.high))
        .numbers("without_one_model_least", column(|row| row.without_one_low))
        .numbers("without_one_model_greatest", column(|row| row.without_one_high))
        .numbers("n_models", points.iter().map(|point| point.2.map(|row| f64::from(row.n_models))));
    let line = Mark::new(Shape::Line).at("checkpoint", "value").colored("series");
    let ablated = match mode {
        Some(mode) if series.iter().any(|series| series.control.is_some()) => {
            format!(
                " Damage over random: rise of the loss when universal neurons are {}, over that of as many random ones. {}",
                set_to(mode),
                facts.ablated()
            )
        }
        _ => String::new(),
    };
    let at_last: Vec<String> =
        series.iter().filter_map(|series| series.words(run, row(series, facts.last())?)).collect();
    let at_last = if at_last.is_empty() {
        String::new()
    } else {
        format!(" In numbers{}: {}.", facts.at_last(), listed(&at_last))
    };
    Some(Figure {
        name: "fig21-family".into(),
        title: "The family over training".into(),
        caption: format!(
            "Means over the models (of the damages: their ratio) by training step; persistent: since the checkpoint before. Bands: {} interval, models and rows of tokens drawn anew \
             together; where there is none it is undefined or open. What is left without one of the models (without_one_model in the data) is the least \
             and greatest of so many values, no interval.{at_last} {}{ablated} {}",
            level_words(run),
            facts.universal(),
            facts.correlated()
        ),
        width: Width::Page,
        aspect: 0.9,
        data,
        marks: with_band(&Subject::Family, line, "value"),
        x: Scale::band("Training step"),
        y: Scale {
            title: "Mean over models".into(),
            kind: ScaleKind::Linear { domain: None, has_zero: true, format: Format::Plain },
        },
        color: Some(ColorScale { title: "Quantity".into(), kind: ColorKind::Categories }),
        facet: Some(Facet { column: "panel".into(), n_columns: 3, has_own_y: true }),
    })
}
