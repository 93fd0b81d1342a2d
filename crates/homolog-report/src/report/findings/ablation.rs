//! What the loss says of the universal neurons.

use homolog_results::{AblationRow, DamageRow};

use super::at;
use crate::Run;
use crate::impact_words::{self, FEW_DRAWS, ends, equal_multiple, level_words, times};
use crate::numbers::{Spread, count, digits, listed, mean, percent};
use crate::run::{n_ablation_targets, n_loss_targets};

/// Kind of random sets drawn from all layers alike.
pub(in crate::report) const RANDOM: &str = "random";
/// Kind with as many neurons of each layer as the universal set has.
pub(in crate::report) const LAYER_MATCHED: &str = "random_layer_matched";
/// Kind of which each is like a universal neuron of its layer.
pub(in crate::report) const MATCHED: &str = "random_matched";
/// All of them, as in a sentence.
pub(super) const CONTROLS: [(&str, &str); 3] = [
    (RANDOM, "random neurons of all layers alike"),
    (LAYER_MATCHED, "random neurons of the same layers"),
    (MATCHED, "matched random neurons"),
];
/// So many times as many random neurons do the damage of universal ones of GPT-2 Small, about (arXiv:2508.00903).
const PAPER_MULTIPLE: f64 = 5.0;

/// The damage of one model's universal set beside that of random ones; none where nothing was ablated or no neuron is universal.
pub(in crate::report) fn damage<'a>(
    run: &'a Run,
    (model, checkpoint): (usize, usize),
    mode: &str,
    control: &str,
) -> Option<&'a DamageRow> {
    impact_words::damage(run, (&run.model_names()[model], run.checkpoints()[checkpoint]), (mode, control))
}

/// Where five times lies by an interval of a multiple: `lies above the interval against`, and so on.
pub(super) fn place_of_five(low: Option<f64>, high: Option<f64>) -> &'static str {
    match (low, high) {
        (None, None) => "cannot be placed, without an interval, against",
        (_, Some(high)) if high < PAPER_MULTIPLE => "lies above the interval against",
        (Some(low), _) if low > PAPER_MULTIPLE => "lies below the interval against",
        _ => "lies within the interval against",
    }
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
    let (random, matched, alike) = (rows(RANDOM), rows(LAYER_MATCHED), rows(MATCHED));

    let Some(universal) = Spread::of(random.iter().map(|row| row.universal_delta_nats)) else { return Vec::new() };
    let of_controls = |rows: &[&DamageRow]| Spread::of(rows.iter().filter_map(|row| row.control_delta_nats));
    let value = match mode {
        "zero" => "zero",
        "mean" => "their mean activation",
        "position-mean" => "their mean activation at each position",
        "resample" => "what they are in another row",
        other => other,
    };
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
    if let Some(alike) = of_controls(&alike) {
        parts.push(format!(
            "as many matched ones, of the same layer and alike in activation, output weights and how often they are active, by {}",
            alike.nats()
        ));
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
    // What is said of one way of ablating is not said of each: the tables have the rest.
    if run.settings.ablation_modes.first().is_some_and(|first| first == mode) {
        sentences.extend(matching(run, (&random, &alike), mode));
        sentences.extend(p_values(with_draws(&[random, matched, alike])));
        sentences.extend(predictions(run, checkpoint, mode));
    }
    sentences
}

/// Matched sets beside unmatched ones, in damage and in number, with intervals; nothing without matched sets.
fn matching(run: &Run, (random, matched): (&[&DamageRow], &[&DamageRow]), mode: &str) -> Vec<String> {
    if matched.is_empty() {
        return Vec::new();
    }
    let listing = |rows: &[&DamageRow], of: fn(&DamageRow) -> [Option<f64>; 3], lacking: &str| {
        let words = rows.iter().map(|row| {
            let [value, low, high] = of(row);
            let value = value.map_or_else(|| lacking.to_owned(), times);
            format!("{value} ({}) in {}", ends(low, high, "", times), row.model)
        });
        listed(&words.collect::<Vec<String>>())
    };
    let ratio = |row: &DamageRow| [row.ratio, row.ratio_low, row.ratio_high];
    let n_within = |place: &str| {
        let places = matched.iter().map(|row| {
            let [_, low, high] = equal_multiple(row);
            place_of_five(low, high)
        });
        places.filter(|found| found.starts_with(place)).count()
    };
    let interval = level_words(run);
    let undefined = "undefined";
    vec![
        format!(
            "The damage of the universal neurons over that of as many random ones ({mode} ablation), in brackets the {interval} interval over rows and \
             draws, is {}; over that of as many matched ones, {}.",
            listing(random, ratio, undefined),
            listing(matched, ratio, undefined)
        ),
        format!(
            "In number, in multiples of the universal set with the same interval, random ones do its damage at {}; matched ones at {}. Five times, which \
             the paper found in GPT-2 Small, lies within the interval against matched sets in {} of {} models, above it in {}, below it in {}.",
            listing(random, equal_multiple, "none that was measured"),
            listing(matched, equal_multiple, "none that was measured"),
            n_within("lies within"),
            matched.len(),
            n_within("lies above"),
            n_within("lies below")
        ),
    ]
}

/// How far predictions without universal neurons are from those of the whole model, beside as many random ones; means over draws.
fn predictions(run: &Run, checkpoint: usize, mode: &str) -> Option<String> {
    let step = run.checkpoints()[checkpoint];
    let of_set = |set: &str| {
        let is_of = |row: &&AblationRow| {
            let is_place = row.checkpoint == step && row.mode == mode && row.threshold == Some(run.threshold());
            is_place && row.set == set && row.n_neurons > 0 && row.multiple.is_none_or(|multiple| multiple == 1)
        };
        // Of each model: draws weigh no more where there are more of them.
        let of_model = |name: &String, of: fn(&AblationRow) -> f64| {
            mean(run.ablation.iter().filter(is_of).filter(|row| row.model == *name).map(of))
        };
        let over = |of: fn(&AblationRow) -> f64| mean(run.model_names().iter().filter_map(|name| of_model(name, of)));
        Some(format!("{} nats and {}", digits(over(|row| row.kl_nats)?), percent(over(|row| row.top1_agreement)?)))
    };
    let universal = of_set("universal")?;
    let others: Vec<String> = CONTROLS
        .iter()
        .filter_map(|&(control, words)| Some(format!("{} without as many {words}", of_set(control)?)))
        .collect();
    (!others.is_empty()).then(|| {
        format!(
            "Divergence of the predictions (Kullback-Leibler) from those of the whole model, and share of them with the same most likely token, means over \
             models: {universal} without universal neurons; {}.",
            others.join("; ")
        )
    })
}

/// Kinds of random sets with enough draws for a p-value that says something.
fn with_draws<'a>(kinds: &[Vec<&'a DamageRow>; 3]) -> Vec<(&'static str, Vec<&'a DamageRow>)> {
    let has_draws = |row: &&&DamageRow| row.n_draws as usize >= FEW_DRAWS && row.p_value.is_some();
    let named =
        CONTROLS.iter().zip(kinds).map(|(control, rows)| (control.1, rows.iter().filter(has_draws).copied().collect()));
    named.filter(|(_, rows): &(_, Vec<_>)| !rows.is_empty()).collect()
}

/// How seldom as many random neurons cost as much.
fn p_values(kinds: Vec<(&str, Vec<&DamageRow>)>) -> Option<String> {
    let n_draws = kinds.iter().flat_map(|kind| &kind.1).map(|row| row.n_draws).max()?;
    let kinds: Vec<String> = kinds
        .into_iter()
        .filter_map(|(words, rows)| {
            let p = Spread::of(rows.iter().filter_map(|row| row.p_value))?;
            let range =
                if p.n == 1 { digits(p.mean) } else { format!("from {} to {}", digits(p.least), digits(p.greatest)) };
            Some(format!("{range} against {words}"))
        })
        .collect();
    Some(format!(
        "The share of draws that cost as much or more, with the universal set as one of them (permutation p-values, over models), is {}; with {n_draws} draws it cannot \
         be less than {}.",
        listed(&kinds),
        digits(1.0 / f64::from(n_draws + 1))
    ))
}
