//! What a match is worth: how much of its correlation comes from having been chosen, and how much from tokens and positions.

use super::facts::{Facts, step};
use super::with_spreads;
use crate::numbers::{self, Spread, mean};
use crate::run::{Matches, Neurons};
use crate::{Channel, ColorKind, ColorScale, Data, Facet, Figure, Mark, Run, Scale, Shape, Width};

/// A point of a line by checkpoint: its panel, its series, and the mean over neurons of each model.
struct Point {
    panel: &'static str,
    checkpoint: Option<i64>,
    series: &'static str,
    value: Option<Spread>,
}

/// Means by checkpoint of the raw maximum, of the cross-fitted one and of the baseline; and of the first two less the third.
pub(super) fn cross_fit(run: &Run, facts: &Facts) -> Option<Figure> {
    let mut points = Vec::new();
    for (at, &checkpoint) in facts.checkpoints.iter().enumerate() {
        let mean = |of: &dyn Fn(&Neurons, usize) -> f64| {
            Spread::of((0..facts.models.len()).filter_map(|model| {
                let neurons = run.neurons(model, at);
                let places = (0..neurons.excess_corr.len()).filter(|&place| is_cross_fitted(neurons, place));
                numbers::mean(places.map(|place| of(neurons, place)))
            }))
        };
        let baseline = mean(&|neurons, place| neurons.mean_baseline[place]);
        let raw = mean(&|neurons, place| neurons.mean_corr[place]);
        let fitted = mean(&|neurons, place| f64::from(neurons.cross_fitted_corr[place]));
        let raw_excess = mean(&|neurons, place| neurons.excess_corr[place]);
        let fitted_excess = mean(&|neurons, place| f64::from(neurons.cross_fitted_excess[place]));
        let mut add = |panel, series, value| points.push(Point { panel, checkpoint, series, value });
        add(MATCHES, "chosen on all tokens", raw);
        add(MATCHES, "chosen on the other half", fitted);
        add(MATCHES, "baseline", baseline);
        add(EXCESS, "chosen on all tokens", raw_excess);
        add(EXCESS, "chosen on the other half", fitted_excess);
    }
    points.retain(|point| point.value.is_some());
    let (data, marks) = lines(&points);
    (!points.is_empty()).then(|| Figure {
        name: "fig14-cross-fit".into(),
        title: "What a best match owes to having been chosen".into(),
        caption: format!(
            "Mean over neurons of the correlation with the best match by training step: chosen and measured on all tokens; chosen on one \
             half of the tokens and measured on the other (mean of both ways), which having been chosen cannot raise; and the baseline. \
             Right: the first two less the third. Neurons with all of these. Lines: mean over the models as reference in turn; bands: least \
             and greatest of them (a range, no interval).{} {}",
            facts.screened(),
            facts.correlated()
        ),
        width: Width::Page,
        aspect: 0.7,
        data,
        marks,
        x: Scale::band("Training step"),
        y: Scale::linear("Mean correlation"),
        color: Some(ColorScale { title: "Best match".into(), kind: ColorKind::Categories }),
        facet: Some(Facet { column: "quantity".into(), n_columns: 2, has_own_y: true }),
    })
}

/// Panels of the correlations themselves and of what lies above the baseline.
const MATCHES: &str = "correlation";
const EXCESS: &str = "correlation less baseline";

fn is_cross_fitted(neurons: &Neurons, place: usize) -> bool {
    !neurons.cross_fitted_excess[place].is_nan() && !neurons.excess_corr[place].is_nan()
}

/// Mean correlation of matches by checkpoint as it is and without tokens, positions and both; of all neurons and of universal ones.
pub(super) fn shared(run: &Run, facts: &Facts) -> Option<Figure> {
    let least_count = run.models.iter().find_map(|row| row.least_token_count);
    let n_frequent = run.models.iter().find_map(|row| row.n_frequent_tokens)?;
    let mut points = Vec::new();
    for (at, &checkpoint) in facts.checkpoints.iter().enumerate() {
        for (panel, is_universal_only) in [("all neurons", false), ("universal neurons", true)] {
            for (series, of) in WITHOUT {
                let value = Spread::of((0..facts.models.len()).filter_map(|model| {
                    let is_universal = &run.neurons(model, at).is_universal;
                    let pairs = run.others(model).map(|other| run.matches(model, other, at));
                    let values = pairs.flat_map(|matches| {
                        let places = (0..matches.max_corr.len()).filter(|&place| is_defined_without(matches, place));
                        let places = places.filter(|&place| !is_universal_only || is_universal[place]);
                        places.map(|place| f64::from(of(matches)[place]))
                    });
                    mean(values)
                }));
                points.push(Point { panel, checkpoint, series, value });
            }
        }
    }
    if points.iter().all(|point| point.value.is_none()) {
        return None;
    }
    // A panel without a universal neuron at any checkpoint would be empty.
    let has = |panel: &str| points.iter().any(|point| point.panel == panel && point.value.is_some());
    let has_universal = has("universal neurons");
    points.retain(|point| has_universal || point.panel == "all neurons");
    let (data, marks) = lines(&points);
    let least_count = least_count.map(|n| format!(" (at {n} positions or more)")).unwrap_or_default();
    Some(Figure {
        name: "fig15-what-matches-share".into(),
        title: "What best matches share".into(),
        caption: format!(
            "Mean correlation of the best matches by training step, and what of it is left without each neuron's mean for each of the \
             {n_frequent} most frequent tokens{least_count} and for all others together, without its mean at each position of a row, and \
             without the least-squares fit of both: what is left must come from context, or from rare tokens. Matches with all four; \
             steps without any have no point. {} Lines: mean over the models as reference in turn; bands: least and greatest of them (a \
             range, no interval). {}",
            facts.universal(),
            facts.correlated()
        ),
        width: Width::Page,
        aspect: 0.7,
        data,
        marks,
        x: Scale::band("Training step"),
        y: Scale::linear("Mean correlation of matches"),
        color: Some(ColorScale { title: "Taken out".into(), kind: ColorKind::Categories }),
        facet: Some(Facet { column: "quantity".into(), n_columns: 2, has_own_y: false }),
    })
}

/// A column of matches.
type Of = fn(&Matches) -> &Vec<f32>;

/// What is taken out, and what is left.
const WITHOUT: [(&str, Of); 4] = [
    ("nothing", |matches| &matches.max_corr),
    ("token", |matches| &matches.corr_without_token),
    ("position", |matches| &matches.corr_without_position),
    ("both", |matches| &matches.corr_without_both),
];

/// Whether a match has a correlation whatever is taken out: means over different matches could not be compared.
pub(crate) fn is_defined_without(matches: &Matches, place: usize) -> bool {
    WITHOUT.iter().all(|(_, of)| !of(matches)[place].is_nan())
}

/// Lines by checkpoint with their points over the range of models.
fn lines(points: &[Point]) -> (Data, Vec<Mark>) {
    let data = Data::default()
        .words("quantity", points.iter().map(|point| point.panel))
        .words("checkpoint", points.iter().map(|point| step(point.checkpoint)))
        .words("series", points.iter().map(|point| point.series));
    let data = with_spreads(data, "corr", &points.iter().map(|point| point.value).collect::<Vec<_>>());
    let line = Mark::new(Shape::Line).at("checkpoint", "corr").colored("series");
    let band = Mark { shape: Shape::Band, y: Some(Channel::Field("corr_least".into())), ..line.clone() };
    let points = Mark { shape: Shape::Point, ..line.clone() };
    (data, vec![band.to_y("corr_greatest"), line, points])
}
