//! Correlations themselves: how they are distributed, against their baseline, and in which layer the best match lies.

use super::facts::{Facts, panel};
use crate::hexbin::HexGrid;
use crate::null_words::null_words;
use crate::run::{NO_NEURON, Neurons};
use crate::{
    Channel, Color, ColorKind, ColorScale, Data, Facet, Figure, Format, Mark, Run, Scale, ScaleKind, Shape, Width,
};

/// Width of a bin of the densities.
pub(super) const BIN: f64 = 0.02;
/// Layers have a panel each as long as they are no more than this.
const N_PANELS: usize = 12;

/// Densities of best matches, baselines and excess over all neurons of all models, a panel a checkpoint.
pub(super) fn densities(run: &Run, facts: &Facts) -> Option<Figure> {
    let mut rows: Vec<(String, &str, f64, f64)> = Vec::new();
    for (at, &checkpoint) in facts.checkpoints.iter().enumerate() {
        let defined = |of: fn(&Neurons) -> &Vec<f64>| {
            let models = (0..facts.models.len()).flat_map(move |model| of(run.neurons(model, at)));
            models.copied().filter(|corr| !corr.is_nan()).collect::<Vec<f64>>()
        };
        let quantities = [
            ("best match", defined(|neurons| &neurons.mean_corr)),
            ("baseline", defined(|neurons| &neurons.mean_baseline)),
            ("excess", defined(|neurons| &neurons.excess_corr)),
        ];
        for (quantity, values) in quantities {
            let label = panel(checkpoint);
            rows.extend(density(&values).into_iter().map(|(at, density)| (label.clone(), quantity, at, density)));
        }
    }
    let data = Data::default()
        .words("checkpoint", rows.iter().map(|row| row.0.clone()))
        .words("quantity", rows.iter().map(|row| row.1))
        .numbers("correlation", rows.iter().map(|row| row.2))
        .numbers("density", rows.iter().map(|row| row.3));
    let threshold = Mark {
        x: Some(Channel::Value(run.settings.excess_threshold())),
        ..Mark::new(Shape::Rule).in_color(Color::Muted)
    };
    (!rows.is_empty()).then(|| Figure {
        name: "fig06-densities".into(),
        title: "Best matches, baselines and excess".into(),
        caption: format!(
            "Densities over all neurons of all models (histograms with bins of {BIN}, each of area 1) of the correlation with the best match \
             and with the best match in {} (baseline), both means over the other models, and of their difference (excess), a \
             panel a training step; vertical rule: the threshold {} on the excess.{} {}",
            null_words(run).model,
            run.settings.excess_threshold(),
            facts.screened(),
            facts.correlated()
        ),
        width: Width::Page,
        aspect: 0.75,
        data,
        marks: vec![threshold, Mark::new(Shape::Line).at("correlation", "density").colored("quantity")],
        x: Scale::linear("Correlation"),
        y: Scale {
            title: "Density".into(),
            kind: ScaleKind::Linear { domain: None, has_zero: true, format: Format::Plain },
        },
        color: Some(ColorScale { title: "Correlation".into(), kind: ColorKind::Categories }),
        facet: Some(Facet { column: "checkpoint".into(), n_columns: 3, has_own_y: true }),
    })
}

/// Middles of bins and densities, from the bin before the least value to that after the greatest.
pub(super) fn density(values: &[f64]) -> Vec<(f64, f64)> {
    let bin_of = |value: f64| (value / BIN).floor() as i64;
    let bins = || values.iter().map(|&value| bin_of(value));
    let (Some(first), Some(last)) = (bins().min(), bins().max()) else { return Vec::new() };
    let first = first - 1;
    let mut counts = vec![0_u64; (last + 2 - first) as usize];
    for bin in bins() {
        counts[(bin - first) as usize] += 1;
    }
    let middle = |i: usize| ((first + i as i64) as f64 + 0.5) * BIN;
    let area = values.len() as f64 * BIN;
    counts.iter().enumerate().map(|(i, &count)| (middle(i), count as f64 / area)).collect()
}

/// Correlation with the best match against the baseline, counted in hexagons, a panel a layer (or a few layers) of the last checkpoint.
pub(super) fn against_baseline(run: &Run, facts: &Facts) -> Option<Figure> {
    let a_panel = facts.n_layers.div_ceil(N_PANELS).max(1);
    let grid = HexGrid { x: [0.0, 1.0], y: [0.0, 1.0], n_across: 25, aspect: 1.0 };
    let mut rows = Vec::new();
    for first in (0..facts.n_layers).step_by(a_panel) {
        let layers = first..(first + a_panel).min(facts.n_layers);
        let points = (0..facts.models.len()).flat_map(|model| {
            let neurons = run.neurons(model, run.last_checkpoint());
            let d_mlp = run.shape(model).d_mlp;
            let places = layers.start * d_mlp..(layers.end * d_mlp).min(neurons.mean_corr.len());
            let points = places.map(|place| (neurons.mean_baseline[place], neurons.mean_corr[place]));
            points.filter(|(baseline, corr)| !baseline.is_nan() && !corr.is_nan())
        });
        let title = match layers.len() {
            1 => format!("layer {first}"),
            _ => format!("layers {first} to {}", layers.end - 1),
        };
        rows.extend(grid.count(points).into_iter().map(|bin| (title.clone(), bin)));
    }
    let data = Data::default()
        .words("layer", rows.iter().map(|row| row.0.clone()))
        .numbers("baseline", rows.iter().map(|row| row.1.x))
        .numbers("best_match", rows.iter().map(|row| row.1.y))
        .numbers("n_neurons", rows.iter().map(|row| row.1.count as f64));
    let hexbin = Mark::new(Shape::Hexbin { n_across: grid.n_across }).at("baseline", "best_match").colored("n_neurons");
    let unit = |title: &str| Scale {
        title: title.into(),
        kind: ScaleKind::Linear { domain: Some([0.0, 1.0]), has_zero: true, format: Format::Plain },
    };
    (!rows.is_empty()).then(|| Figure {
        name: "fig07-best-match-against-baseline".into(),
        title: "Best match against baseline, by layer".into(),
        caption: format!(
            "Neurons of all models{} by the correlation with their best match and with their best match in {} (baseline), both \
             means over the other models; colour: neurons in a hexagon.{} {}",
            facts.at_last(),
            null_words(run).model,
            facts.screened(),
            facts.correlated()
        ),
        width: Width::Page,
        aspect: grid.aspect,
        data,
        marks: vec![hexbin],
        x: unit("Baseline correlation"),
        y: unit("Correlation with best match"),
        color: Some(ColorScale {
            title: "Neurons".into(),
            kind: ColorKind::Sequence { domain: None, is_log: true, format: Format::Plain },
        }),
        facet: Some(Facet { column: "layer".into(), n_columns: 4, has_own_y: false }),
    })
}

/// Which layer of the other model the best match lies in, for all neurons and for universal ones, at the last checkpoint.
pub(super) fn matched_layers(run: &Run, facts: &Facts) -> Option<Figure> {
    let n = facts.n_layers;
    let mut counts = [vec![0_u64; n * n], vec![0_u64; n * n]];
    for model in 0..facts.models.len() {
        let is_universal = &run.neurons(model, run.last_checkpoint()).is_universal;
        for other in run.others(model) {
            for (place, &matched) in run.matches(model, other, run.last_checkpoint()).matched.iter().enumerate() {
                if matched == NO_NEURON {
                    continue;
                }
                let cell = place / run.shape(model).d_mlp * n + matched as usize / run.shape(other).d_mlp;
                counts[0][cell] += 1;
                counts[1][cell] += u64::from(is_universal[place]);
            }
        }
    }
    let mut rows = Vec::new();
    for (kind, counts) in ["all neurons", "universal neurons"].into_iter().zip(&counts) {
        for (layer, of_layer) in counts.chunks_exact(n.max(1)).enumerate() {
            let total: u64 = of_layer.iter().sum();
            let share = |count: u64| count as f64 / total as f64;
            rows.extend(
                of_layer.iter().enumerate().filter(|_| total > 0).map(|(j, &count)| (kind, layer, j, share(count))),
            );
        }
    }
    let data = Data::default()
        .words("neurons", rows.iter().map(|row| row.0))
        .words("layer", rows.iter().map(|row| row.1.to_string()))
        .words("matched_layer", rows.iter().map(|row| row.2.to_string()))
        .numbers("share", rows.iter().map(|row| row.3));
    (!rows.is_empty()).then(|| Figure {
        name: "fig08-matched-layers".into(),
        title: "Where the best match lies".into(),
        caption: format!(
            "Layer of the best match in another model by the neuron's own layer{}, all ordered pairs of models together; each row adds to \
             100 %. {} {}",
            facts.at_last(),
            facts.universal(),
            facts.correlated()
        ),
        width: Width::Page,
        aspect: 1.0,
        data,
        marks: vec![Mark::new(Shape::Cell).at("matched_layer", "layer").colored("share")],
        x: Scale::band("Layer of the best match"),
        y: Scale::band("Layer of the neuron"),
        color: Some(ColorScale {
            title: "Matches (%)".into(),
            kind: ColorKind::Sequence { domain: None, is_log: false, format: Format::Percent },
        }),
        facet: Some(Facet { column: "neurons".into(), n_columns: 2, has_own_y: false }),
    })
}
