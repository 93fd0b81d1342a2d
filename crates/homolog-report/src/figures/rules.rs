//! One question, several rules: who is universal by excess, by count, by discovery and by sets that agree all round; and the p-values.

use std::collections::BTreeSet;

use homolog_results::CliqueRow;

use super::facts::{Facts, panel, step};
use super::with_spreads;
use crate::evidence_words::{has_p_values, own_draws};
use crate::null_words::null_words;
use crate::numbers::{Spread, count};
use crate::rule_words::family;
use crate::run::Neurons;
use crate::{
    Channel, Color, ColorKind, ColorScale, Data, Facet, Figure, Format, Mark, Run, Scale, ScaleKind, Shape, Width,
};

/// Bins of the histogram of p-values.
const N_BINS: usize = 20;

/// Share of neurons by each rule and checkpoint.
pub(super) fn compared(run: &Run, facts: &Facts) -> Option<Figure> {
    let settings = &run.settings;
    let has_full = run.cliques.iter().any(|row| row.is_full);
    let has_universal = run.cliques.iter().any(|row| row.is_universal);
    let mut points: Vec<(String, Option<i64>, Option<Spread>)> = Vec::new();
    for (at, &checkpoint) in facts.checkpoints.iter().enumerate() {
        let by_flag = |of: fn(&Neurons) -> &Vec<bool>| {
            Spread::of((0..facts.models.len()).map(|model| {
                let flags = of(run.neurons(model, at));
                flags.iter().filter(|&&is| is).count() as f64 / flags.len() as f64
            }))
        };
        let mut add = |rule: String, value: Option<Spread>| points.push((rule, checkpoint, value));
        if has_p_values(run) {
            add(format!("q \u{2264} {}", settings.fdr), by_flag(|neurons| &neurons.is_universal_fdr));
        }
        add(
            format!("best match > {} in {} models", settings.count_threshold, settings.count_models),
            by_flag(|neurons| &neurons.is_universal_count),
        );
        add(format!("excess > {}", settings.excess_threshold()), by_flag(|neurons| &neurons.is_universal_excess));
        if has_full {
            let in_set = |is_wanted: fn(&CliqueRow) -> bool| {
                let share = |(model, name): (usize, &String)| {
                    let rows = run.cliques.iter().filter(|row| row.checkpoint == checkpoint && row.model == *name);
                    let neurons: BTreeSet<(u16, u32)> =
                        rows.filter(|row| is_wanted(row)).map(|row| (row.layer, row.neuron)).collect();
                    neurons.len() as f64 / run.shape(model).n_neurons() as f64
                };
                Spread::of(facts.models.iter().enumerate().map(share))
            };
            add("in a set of all models".into(), in_set(|row| row.is_full));
            if has_universal {
                add(
                    format!("in such a set, its excess > {}", settings.excess_threshold()),
                    in_set(|row| row.is_universal),
                );
            }
        }
    }
    let greatest = points.iter().filter_map(|point| point.2).map(|share| share.greatest).fold(0.0, f64::max);
    let data = Data::default()
        .words("rule", points.iter().map(|point| point.0.clone()))
        .words("checkpoint", points.iter().map(|point| step(point.1)));
    let data = with_spreads(data, "share", &points.iter().map(|point| point.2).collect::<Vec<_>>());
    let line = Mark::new(Shape::Line).at("checkpoint", "share").colored("rule");
    let band = Mark { shape: Shape::Band, y: Some(Channel::Field("share_least".into())), ..line.clone() };
    let of_sets = if run.cliques.is_empty() {
        String::new()
    } else if !has_full {
        " No set of one neuron of each model, every two of them each other's best match, was found.".to_owned()
    } else {
        format!(
            " A set of all models is one neuron of each, every two of them each other's best match; it is universal when the mean \
             excess of its pairs is greater too.{}",
            full_sets(run, facts)
        )
    };
    let of_discoveries = if has_p_values(run) {
        format!(
            " q: false discovery rate (Benjamini and Hochberg) among {}, against best matches in {}: it says that they are not by \
             chance, not that they are close.{}",
            family(settings),
            null_words(run).model,
            own_draws(run)
        )
    } else {
        String::new()
    };
    (greatest > 0.0).then(|| Figure {
        name: "fig16-rules".into(),
        title: "Universal neurons by one rule and another".into(),
        caption: format!(
            "Percentage of all neurons that count as universal by each rule, by training step, on a scale that is logarithmic above 1 %.\
             {of_discoveries}{of_sets} Lines: mean over the models as reference in turn; bands: least and greatest of them (a range, no \
             interval). {}",
            facts.correlated()
        ),
        width: Width::Column,
        aspect: 0.8,
        data,
        marks: vec![band.to_y("share_greatest"), line.clone(), Mark { shape: Shape::Point, ..line }],
        x: Scale::band("Training step"),
        y: Scale {
            title: "Neurons (%)".into(),
            kind: ScaleKind::SymmetricLog { linear_to: 0.01, format: Format::Percent },
        },
        color: Some(ColorScale { title: "Rule".into(), kind: ColorKind::Categories }),
        facet: None,
    })
}

/// How many sets of all models there are at the last checkpoint, as a sentence behind others.
fn full_sets(run: &Run, facts: &Facts) -> String {
    let sets = |is_wanted: fn(&CliqueRow) -> bool| {
        let rows = run.cliques.iter().filter(|row| row.checkpoint == facts.last() && is_wanted(row));
        rows.map(|row| row.clique).collect::<BTreeSet<u32>>().len() as u64
    };
    format!(
        " There are {} sets of all models{}, {} of them universal.",
        count(sets(|row| row.is_full)),
        facts.at_last(),
        count(sets(|row| row.is_universal))
    )
}

/// Histogram of the neurons' p-values beside what chance alone would make, a panel a checkpoint.
pub(super) fn p_values(run: &Run, facts: &Facts) -> Option<Figure> {
    let mut rows: Vec<(String, f64, f64)> = Vec::new();
    for (at, &checkpoint) in facts.checkpoints.iter().enumerate() {
        let p = (0..facts.models.len()).flat_map(|model| run.neurons(model, at).p_value.iter().copied());
        let mut counts = [0_u64; N_BINS];
        for p in p.filter(|p| !p.is_nan()) {
            counts[((f64::from(p) * N_BINS as f64) as usize).min(N_BINS - 1)] += 1;
        }
        let n: u64 = counts.iter().sum();
        if n > 0 {
            let share = |count: u64| count as f64 / n as f64;
            rows.extend(
                counts.iter().enumerate().map(|(bin, &n)| (panel(checkpoint), bin as f64 / N_BINS as f64, share(n))),
            );
        }
    }
    let width = 1.0 / N_BINS as f64;
    let data = Data::default()
        .words("checkpoint", rows.iter().map(|row| row.0.clone()))
        .numbers("p_from", rows.iter().map(|row| row.1))
        .numbers("p_to", rows.iter().map(|row| row.1 + width))
        .numbers("share", rows.iter().map(|row| row.2));
    let bar = Mark::new(Shape::Bar).at("p_from", "share").in_color(Color::Category(0));
    let bar = Mark { x2: Some(Channel::Field("p_to".into())), ..bar };
    let uniform = Mark { y: Some(Channel::Value(width)), ..Mark::new(Shape::Rule).in_color(Color::Ink) };
    let draws = run.settings.baseline_draws;
    (!rows.is_empty()).then(|| Figure {
        name: "fig17-p-values".into(),
        title: "p-values of best matches".into(),
        caption: format!(
            "Percentage of the neurons of all models by p-value, in bins of {width}, a panel a training step: of the mean correlation with the \
             best match in the other models, against that in {} ({draws} draws). Level rule: what chance alone \
             would make of it. What stands above it on the left is more than chance; a pile on the right would be a null that does not \
             fit.{} {}",
            null_words(run).model,
            own_draws(run),
            facts.correlated()
        ),
        width: Width::Page,
        aspect: 0.7,
        data,
        marks: vec![bar, uniform],
        x: Scale {
            title: "p-value".into(),
            kind: ScaleKind::Linear { domain: Some([0.0, 1.0]), has_zero: true, format: Format::Plain },
        },
        y: Scale::share("Neurons (%)"),
        color: None,
        facet: Some(Facet { column: "checkpoint".into(), n_columns: 3, has_own_y: true }),
    })
}
