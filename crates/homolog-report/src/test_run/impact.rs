//! What the made-up run says of damage: random sets and how they are matched, neurons one by one, and its family.

use homolog_results::{AttributionRow, BalanceRow, FamilyRow, SingleRow};

use super::{D_MLP, MODELS, N, THRESHOLD, noise};

/// Kinds of random sets.
pub(crate) const CONTROLS: [&str; 3] = ["random", "random_layer_matched", "random_matched"];
/// What matched sets are matched on.
pub(crate) const COVARIATES: [&str; 4] = ["frac_positive", "layer", "log_act_rms", "log_write_norm"];

/// Of a neuron set to zero, of either sign.
pub(crate) fn first_order(model: usize, neuron: usize) -> f64 {
    1e-3 * (noise(&[20, model, neuron]) - 0.3)
}

/// Standardised difference of a covariate of one kind of random sets of multiple 1: matched ones are the closest.
pub(crate) fn difference(model: usize, control: usize, covariate: usize) -> f64 {
    [0.6, 0.5, 0.1][control] * (noise(&[21, model, covariate]) + 0.5) * if covariate == 0 { -1.0 } else { 1.0 }
}

pub(super) fn balance_rows(steps: &[Option<i64>]) -> Vec<BalanceRow> {
    let row = |(step, model, control, covariate, multiple): (Option<i64>, usize, usize, usize, u32)| BalanceRow {
        model: MODELS[model].to_owned(),
        checkpoint: step,
        threshold: THRESHOLD,
        control: CONTROLS[control].to_owned(),
        multiple,
        covariate: COVARIATES[covariate].to_owned(),
        universal_mean: 0.5,
        control_mean: 0.4,
        standardized_difference: Some(f64::from(multiple) * difference(model, control, covariate)),
    };
    let of_step = |&step: &Option<i64>| {
        let places = (0..MODELS.len()).flat_map(|model| (0..3).map(move |control| (model, control)));
        let places = places.flat_map(|(model, control)| (0..4).map(move |covariate| (model, control, covariate)));
        places.flat_map(move |(model, control, covariate)| {
            [1, 2].map(|multiple| row((step, model, control, covariate, multiple)))
        })
    };
    steps.iter().flat_map(of_step).collect()
}

/// Every neuron of even place, exact ones 1.25 times what the first order says.
pub(super) fn single_rows(steps: &[Option<i64>]) -> Vec<SingleRow> {
    let row = |step: Option<i64>, model: usize, neuron: usize| SingleRow {
        model: MODELS[model].to_owned(),
        checkpoint: step,
        layer: (neuron / D_MLP) as u16,
        neuron: (neuron % D_MLP) as u32,
        is_top: neuron < 4,
        is_of_universal: neuron < 8,
        is_of_all: neuron != 2 && neuron != 6,
        delta_loss_nats: 1.25 * first_order(model, neuron),
        delta_low: Some(1.25 * first_order(model, neuron) - 2e-5),
        delta_high: Some(1.25 * first_order(model, neuron) + 3e-5),
        attribution_zero_nats: first_order(model, neuron),
    };
    let of_step = |&step: &Option<i64>| {
        (0..MODELS.len()).flat_map(move |model| (0..N).step_by(2).map(move |neuron| row(step, model, neuron)))
    };
    steps.iter().flat_map(of_step).collect()
}

/// Together the universal ones cost 1.5 times their sum; of the last model that has no interval.
pub(super) fn attribution_rows(steps: &[Option<i64>]) -> Vec<AttributionRow> {
    let row = |step: Option<i64>, model: usize| AttributionRow {
        model: MODELS[model].to_owned(),
        checkpoint: step,
        threshold: THRESHOLD,
        n_universal: 4,
        universal_attribution_nats: Some(2e-4),
        other_attribution_nats: Some(1e-5),
        universal_magnitude_nats: Some(3e-4),
        other_magnitude_nats: Some(1e-4),
        n_random: 6,
        random_corr: Some(0.9 - 0.1 * model as f64),
        random_slope: Some(1.25),
        n_top: 2,
        top_corr: None,
        top_slope: Some(1.5),
        n_singles: 4,
        joint_delta_nats: Some(0.003),
        sum_of_singles_nats: Some(0.002),
        sum_of_singles_low: Some(0.001),
        sum_of_singles_high: Some(0.003),
        joint_over_singles: Some(1.5),
        joint_over_singles_low: (model < 2).then_some(1.1),
        joint_over_singles_high: (model < 2).then_some(2.0),
    };
    steps.iter().flat_map(|&step| (0..MODELS.len()).map(move |model| row(step, model))).collect()
}

/// A row of the family at a step: estimate, interval and least and greatest without one model.
pub(crate) fn family_row(
    (claim, quantity): (&str, &str),
    (from_checkpoint, checkpoint): (Option<i64>, Option<i64>),
    control: Option<&str>,
    [estimate, low, high, least, greatest]: [f64; 5],
) -> FamilyRow {
    FamilyRow {
        claim: claim.to_owned(),
        quantity: quantity.to_owned(),
        from_checkpoint,
        checkpoint,
        mode: (claim == "matter").then(|| "zero".to_owned()),
        control: control.map(str::to_owned),
        threshold: THRESHOLD,
        n_models: MODELS.len() as u32,
        estimate: Some(estimate),
        low: Some(low),
        high: Some(high),
        without_one_low: Some(least),
        without_one_high: Some(greatest),
        p_value: (quantity == "ratio").then_some(1.0 / 101.0),
    }
}

pub(super) fn family_rows(steps: &[Option<i64>]) -> Vec<FamilyRow> {
    let mut rows = Vec::new();
    for (at, &step) in steps.iter().enumerate() {
        let share = 0.01 * (at + 1) as f64;
        let row = |claim, from, control, values| family_row(claim, (from, step), control, values);
        rows.push(row(("emerge", "share"), None, None, [share, 0.8 * share, 1.3 * share, 0.9 * share, 1.1 * share]));
        if at > 0 {
            let before = steps[at - 1];
            rows.push(row(("emerge", "share_rise"), steps[0], None, [0.01, -0.002, 0.02, 0.008, 0.012]));
            rows.push(row(("persist", "persistence"), before, None, [0.4, 0.2, 0.6, 0.35, 0.45]));
            rows.push(row(("persist", "expected_persistence"), before, None, [0.03, 0.02, 0.04, 0.025, 0.035]));
            rows.push(row(("persist", "above_chance"), before, None, [0.38, 0.18, 0.58, 0.33, 0.43]));
        }
        rows.push(row(("matter", "universal_delta_nats"), None, None, [0.02, 0.01, 0.03, 0.018, 0.022]));
        for (control, ratio) in CONTROLS.into_iter().zip([5.0, 4.0, 2.0]) {
            let around = |value: f64| [value, 0.7 * value, 1.5 * value, 0.9 * value, 1.2 * value];
            rows.push(row(("matter", "ratio"), None, Some(control), around(ratio)));
            let mut multiple = row(("matter", "equal_multiple"), None, Some(control), around(ratio - 0.5));
            // What matched sets of a resample cost does not always reach what universal neurons do.
            if control == "random_matched" {
                multiple.high = None;
            }
            rows.push(multiple);
        }
    }
    rows
}
