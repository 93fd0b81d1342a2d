//! Bundles `table-M-C`: one row a neuron.

use super::{Scope, Source, numbers};
use crate::Run;
use crate::bundle::{Bundle, Elements};
use crate::run::Neurons;

/// A column that can be sorted and filtered by.
pub(super) struct Column {
    pub(super) name: &'static str,
    pub(super) title: &'static str,
    pub(super) help: &'static str,
    pub(super) of: Of,
}

/// Where its values come from.
#[derive(Clone, Copy)]
pub(super) enum Of {
    Number(fn(&Neurons) -> &Vec<f64>),
    /// A number that is kept in single precision.
    Single(fn(&Neurons) -> &Vec<f32>),
    Integer(fn(&Neurons) -> &Vec<u32>),
    Flag(fn(&Neurons) -> &Vec<bool>),
    /// Of a selection: whether the neuron is there to compare with.
    IsControl,
}

/// The columns of this explorer.
pub(super) fn columns(source: &Source<'_>) -> Vec<Column> {
    let number = |name, title, help, of| Column { name, title, help, of: Of::Number(of) };
    let flag = |name, title, help, of| Column { name, title, help, of: Of::Flag(of) };
    let mut columns = vec![
        number(
            "excess_corr",
            "excess",
            "Mean over the other models of the best match's correlation minus the baseline's.",
            |neurons| &neurons.excess_corr,
        ),
        flag("is_universal", "universal", "Whether it is so by the study's rule and threshold.", |neurons| {
            &neurons.is_universal
        }),
        number("mean_corr", "mean corr", "Mean over the other models of the best match's correlation.", |neurons| {
            &neurons.mean_corr
        }),
        number("max_corr", "max corr", "Greatest correlation of a best match over the other models.", |neurons| {
            &neurons.max_corr
        }),
        number("min_corr", "min corr", "Least correlation of a best match over the other models.", |neurons| {
            &neurons.min_corr
        }),
        number(
            "mean_baseline",
            "baseline",
            "Mean over the other models of the best match against the study's null.",
            |neurons| &neurons.mean_baseline,
        ),
        Column {
            name: "n_models_above",
            title: "models above",
            help: "Other models in which the best match's correlation is greater than the count threshold.",
            of: Of::Integer(|neurons| &neurons.n_models_above),
        },
        flag(
            "is_universal_count",
            "universal by count",
            "Whether enough models are above the count threshold.",
            |neurons| &neurons.is_universal_count,
        ),
        number("act_mean", "mean", "Mean activation over counted tokens.", |neurons| &neurons.act_mean),
        number("act_var", "variance", "Variance of the activation over counted tokens, over N.", |neurons| {
            &neurons.act_var
        }),
        number("act_skew", "skew", "Skewness of the activation.", |neurons| &neurons.act_skew),
        number("act_kurt", "kurtosis", "Kurtosis of the activation; 3 for a Gaussian.", |neurons| &neurons.act_kurt),
        number("act_max", "max", "Greatest activation over counted tokens.", |neurons| &neurons.act_max),
        number("frac_positive", "positive", "Share of counted tokens with an activation greater than 0.", |neurons| {
            &neurons.frac_positive
        }),
    ];
    columns.extend(evidence(source.run));
    if source.is_screened() {
        columns.push(flag("is_exact", "exact", "Whether no screening decided anything of this row.", |neurons| {
            &neurons.is_exact
        }));
    }
    if source.selection.scope == Scope::Selected {
        let help = "Whether the neuron is here to compare with: matched to a universal one of its layer.";
        columns.push(Column { name: "is_control", title: "control", help, of: Of::IsControl });
    }
    columns
}

/// The columns of how sure a neuron is: those of which any neuron has a value.
fn evidence(run: &Run) -> Vec<Column> {
    let single = |name, title, help, of| Column { name, title, help, of: Of::Single(of) };
    let mut columns = vec![
        single(
            "excess_low",
            "excess from",
            "Lower end of the interval of the excess, over blocks of text; match and baseline held fixed.",
            |neurons| &neurons.excess_low,
        ),
        single("excess_high", "excess to", "Upper end of the interval of the excess.", |neurons| &neurons.excess_high),
        single(
            "cross_fitted_excess",
            "excess, cross-fitted",
            "The excess where matches are chosen on one half of the tokens and measured on the other.",
            |neurons| &neurons.cross_fitted_excess,
        ),
        single(
            "q_bh",
            "q",
            "Least false discovery rate (Benjamini and Hochberg) at which its best matches are beyond chance.",
            |neurons| &neurons.q_bh,
        ),
        single(
            "mean_corr_without_both",
            "corr without tokens",
            "Mean over the other models of the match's correlation without frequent tokens and positions.",
            |neurons| &neurons.mean_corr_without_both,
        ),
        single(
            "token_share",
            "token share",
            "Share of the activation's variance that its means for frequent tokens explain.",
            |neurons| &neurons.token_share,
        ),
    ];
    let n_checkpoints = run.checkpoints().len();
    let places = || (0..run.model_names().len()).flat_map(|model| (0..n_checkpoints).map(move |at| (model, at)));
    columns.retain(|column| match column.of {
        Of::Single(of) => places().any(|(model, at)| of(run.neurons(model, at)).iter().any(|value| !value.is_nan())),
        _ => true,
    });
    let integer = |name, title, help, of| Column { name, title, help, of: Of::Integer(of) };
    columns.push(integer(
        "n_mutual",
        "mutual",
        "Other models whose best match and it are each other's best match.",
        |neurons| &neurons.n_mutual,
    ));
    columns.push(integer(
        "n_models_clique",
        "models in set",
        "Models in its largest set of neurons that are each other's best match all round, its own among them; 1 of none.",
        |neurons| &neurons.n_models_clique,
    ));
    columns
}

pub(super) fn bundle(source: &Source<'_>, model: usize, checkpoint: usize) -> Bundle {
    let run = source.run;
    let listed = &source.selection.neurons[model];
    let n = [listed.len()];
    let mut bundle = Bundle::default();
    add_neurons(&mut bundle, source, model);
    let neurons = run.neurons(model, checkpoint);
    for column in columns(source) {
        let elements = match column.of {
            Of::Number(of) => numbers_of(listed, |place| of(neurons)[place] as f32),
            Of::Single(of) => numbers_of(listed, |place| of(neurons)[place]),
            Of::Integer(of) => Elements::U32(listed.iter().map(|&place| of(neurons)[place]).collect()),
            Of::Flag(of) => Elements::U8(listed.iter().map(|&place| u8::from(of(neurons)[place])).collect()),
            Of::IsControl => {
                let is_control = |place| source.selection.controls[model].binary_search(place).is_ok();
                Elements::U8(listed.iter().map(|place| u8::from(is_control(place))).collect())
            }
        };
        bundle.add(column.name, &n, &elements);
    }
    for other in run.others(model) {
        let matches = run.matches(model, other, checkpoint);
        let shape = run.shape(other);
        let matched: Vec<Option<(u16, u32)>> = listed
            .iter()
            .map(|&place| matches.matched[place] as usize)
            .map(|place| (place < shape.n_neurons()).then(|| shape.neuron(place)))
            .collect();
        let name = |what: &str| format!("match.{other}.{what}");
        bundle.add(name("corr"), &n, &numbers_of(listed, |place| matches.max_corr[place]));
        let layers = matched.iter().map(|matched| matched.map_or(u16::MAX, |(layer, _)| layer));
        bundle.add(name("layer"), &n, &Elements::U16(layers.collect()));
        let indices = matched.iter().map(|matched| matched.map_or(u32::MAX, |(_, neuron)| neuron));
        bundle.add(name("neuron"), &n, &Elements::U32(indices.collect()));
        bundle.add(name("second"), &n, &numbers_of(listed, |place| matches.second_corr[place]));
        bundle.add(name("baseline"), &n, &numbers_of(listed, |place| matches.baseline[place]));
        bundle.add(name("lowest"), &n, &numbers_of(listed, |place| matches.lowest_corr[place]));
        let is_mutual = listed.iter().map(|&place| u8::from(matches.is_mutual[place]));
        bundle.add(name("is_mutual"), &n, &Elements::U8(is_mutual.collect()));
        if source.is_screened() {
            let is_exact = listed.iter().map(|&place| u8::from(matches.is_exact[place]));
            bundle.add(name("is_exact"), &n, &Elements::U8(is_exact.collect()));
            bundle.add(name("margin"), &n, &numbers_of(listed, |place| matches.margin[place]));
        }
    }
    bundle
}

/// `layer` and `neuron` of the neurons listed.
pub(super) fn add_neurons(bundle: &mut Bundle, source: &Source<'_>, model: usize) {
    let (listed, shape) = (&source.selection.neurons[model], source.run.shape(model));
    let layers = listed.iter().map(|&place| shape.neuron(place).0);
    bundle.add("layer", &[listed.len()], &Elements::U16(layers.collect()));
    let indices = listed.iter().map(|&place| shape.neuron(place).1);
    bundle.add("neuron", &[listed.len()], &Elements::U32(indices.collect()));
}

fn numbers_of(listed: &[usize], of: impl Fn(usize) -> f32) -> Elements {
    Elements::F32(listed.iter().map(|&place| numbers::for_table(of(place))).collect())
}
