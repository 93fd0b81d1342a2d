//! What the loss says of the universal neurons.

use homolog_results::DamageRow;

use super::at;
use crate::Run;
use crate::numbers::{Spread, count, listed};
use crate::run::{n_ablation_targets, n_loss_targets};

/// Kind of random sets drawn from all layers alike.
pub(in crate::report) const RANDOM: &str = "random";
/// Kind with as many neurons of each layer as the universal set has.
pub(in crate::report) const LAYER_MATCHED: &str = "random_layer_matched";

/// The damage of one model's universal set beside that of random ones; none where nothing was ablated or no neuron is universal.
pub(in crate::report) fn damage<'a>(
    run: &'a Run,
    (model, checkpoint): (usize, usize),
    mode: &str,
    control: &str,
) -> Option<&'a DamageRow> {
    let (name, step) = (&run.model_names()[model], run.checkpoints()[checkpoint]);
    let is_wanted = |row: &&DamageRow| {
        let is_place = row.model == *name && row.checkpoint == step && row.threshold == run.threshold();
        is_place && row.mode == mode && row.control == control
    };
    run.damage.iter().find(is_wanted)
}

/// How many times as many random neurons do the same damage, as far as it was measured; none without random sets.
pub(in crate::report) fn meeting(row: &DamageRow) -> Option<String> {
    let greatest = row.greatest_multiple?;
    Some(match row.equal_multiple {
        // Fewer than the smallest sets that were drawn.
        Some(multiple) if multiple < 1.0 => "less than 1x".to_owned(),
        Some(multiple) => format!("{multiple:.1}x"),
        None if row.universal_delta_nats <= 0.0 => "none, the universal neurons doing no damage".to_owned(),
        None => format!("more than {greatest}x"),
    })
}

pub(super) fn sentences(run: &Run) -> Vec<String> {
    let last = run.last_checkpoint();
    let mut sentences: Vec<String> =
        run.settings.ablation_modes.iter().flat_map(|mode| of_mode(run, last, mode)).collect();
    if !sentences.is_empty() {
        sentences.extend(fewer_targets(run));
    }
    sentences
}

/// Over how many predicted tokens the losses here are, where these are not all.
fn fewer_targets(run: &Run) -> Option<String> {
    let (n, n_all) = (n_ablation_targets(run), n_loss_targets(run));
    (n < n_all).then(|| {
        format!(
            "These changes of the loss are over the first {} predicted tokens of the {} that the models\u{2019} losses are over.",
            count(n),
            count(n_all)
        )
    })
}

fn of_mode(run: &Run, checkpoint: usize, mode: &str) -> Vec<String> {
    let rows = |control: &str| -> Vec<&DamageRow> {
        (0..run.model_names().len()).filter_map(|model| damage(run, (model, checkpoint), mode, control)).collect()
    };
    let (random, matched) = (rows(RANDOM), rows(LAYER_MATCHED));

    let Some(universal) = Spread::of(random.iter().map(|row| row.universal_delta_nats)) else { return Vec::new() };
    let of_controls = |rows: &[&DamageRow]| Spread::of(rows.iter().filter_map(|row| row.control_delta_nats));
    let value = if mode == "mean" { "their mean activation" } else { "zero" };
    let mut parts = vec![format!(
        "{}, setting the universal neurons to {value} changes the loss by {}",
        at(run, checkpoint),
        universal.nats()
    )];
    let n_draws = random.iter().map(|row| row.n_draws).max().unwrap_or(0);
    let draws = if n_draws == 1 { "one draw".to_owned() } else { format!("means of {n_draws} draws") };
    if let Some(random) = of_controls(&random) {
        parts.push(format!("as many random neurons that are not universal, by {} ({draws})", random.nats()));
    }
    if let Some(matched) = of_controls(&matched) {
        parts.push(format!("as many of each layer, by {}", matched.nats()));
    }
    let mut sentences = vec![parts.join("; ") + "."];
    let meetings: Vec<String> =
        random.iter().filter_map(|row| Some(format!("{} for {}", meeting(row)?, row.model))).collect();
    if !meetings.is_empty() {
        sentences.push(format!(
            "Random sets do the damage of the universal set ({mode} ablation) at this multiple of its size, on straight lines between \
             measured multiples: {}.",
            listed(&meetings)
        ));
    }
    sentences
}
