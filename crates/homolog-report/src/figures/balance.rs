//! How like the universal neurons their random controls are (a "love plot").

use homolog_results::BalanceRow;

use super::facts::Facts;
use crate::impact_words::CONTROLS;
use crate::numbers::{count, listed};
use crate::{
    Channel, Color, ColorKind, ColorScale, Data, Facet, Figure, Format, Mark, Run, Scale, ScaleKind, Shape, Width,
};

/// A standardised difference up to this counts as balanced.
const BALANCED: f64 = 0.1;

/// Standardised differences of every covariate at the last checkpoint, sets of the universal ones' size, a panel a model.
pub(super) fn differences(run: &Run, facts: &Facts) -> Option<Figure> {
    let is_wanted =
        |row: &&BalanceRow| row.checkpoint == facts.last() && row.threshold == facts.threshold && row.multiple == 1;
    let rows = || run.balance.iter().filter(is_wanted).filter(|row| row.standardized_difference.is_some());
    let of = |model: &String| {
        let of_control = |(control, words): (&'static str, &'static str)| {
            rows().filter(move |row| row.model == *model && row.control == control).map(move |row| (row, words))
        };
        CONTROLS.into_iter().flat_map(of_control).collect::<Vec<_>>()
    };
    let points: Vec<(&BalanceRow, &str)> = facts.models.iter().flat_map(of).collect();
    if points.is_empty() {
        return None;
    }
    let data = Data::default()
        .words("model", points.iter().map(|point| point.0.model.clone()))
        .words("covariate", points.iter().map(|point| spoken(&point.0.covariate)))
        .words("control", points.iter().map(|point| point.1))
        .numbers("standardized_difference", points.iter().map(|point| point.0.standardized_difference))
        .numbers("universal_mean", points.iter().map(|point| point.0.universal_mean))
        .numbers("control_mean", points.iter().map(|point| point.0.control_mean));
    let at = |value: f64| Mark { x: Some(Channel::Value(value)), ..Mark::new(Shape::Rule).in_color(Color::Muted) };
    let zero = at(0.0).in_color(Color::Ink);
    let point = Mark::new(Shape::Point).at("standardized_difference", "covariate").colored("control");
    let greatest: Vec<String> = CONTROLS
        .into_iter()
        .filter_map(|(control, words)| {
            let of_control = rows().filter(|row| row.control == control);
            let magnitudes = of_control.filter_map(|row| row.standardized_difference).map(f64::abs);
            Some(format!("{:.2} for {words}", magnitudes.reduce(f64::max)?))
        })
        .collect();
    let n_universal = run.attribution.iter().filter(|row| row.checkpoint == facts.last()).map(|row| row.n_universal);
    let n_universal: u64 = n_universal.sum();
    let of_all =
        if n_universal > 0 { format!(" ({} universal neurons in all)", count(n_universal)) } else { String::new() };
    Some(Figure {
        name: "fig20-balance".into(),
        title: "How like universal neurons their controls are".into(),
        caption: format!(
            "Mean of the universal neurons less that of random sets of as many{of_all}, over the root of the mean of their variances, by \
             covariate and kind of random sets{}, a panel a model; grey rules: \u{b1}{BALANCED}, within which a covariate counts as balanced. \
             Greatest magnitude over covariates and models: {}. {} {}",
            facts.at_last(),
            listed(&greatest),
            facts.universal(),
            facts.correlated()
        ),
        width: Width::Page,
        aspect: 0.7,
        data,
        marks: vec![at(-BALANCED), at(BALANCED), zero, point],
        x: Scale {
            title: "Standardised difference".into(),
            kind: ScaleKind::Linear { domain: None, has_zero: true, format: Format::Plain },
        },
        y: Scale::band("Covariate"),
        color: Some(ColorScale { title: "Random sets".into(), kind: ColorKind::Categories }),
        facet: Some(Facet { column: "model".into(), n_columns: 3, has_own_y: false }),
    })
}

/// What a covariate is called in print.
fn spoken(covariate: &str) -> String {
    match covariate {
        "log_act_rms" => "activation (log rms)".into(),
        "log_write_norm" => "output weights (log norm)".into(),
        "frac_positive" => "share active".into(),
        other => other.into(),
    }
}
