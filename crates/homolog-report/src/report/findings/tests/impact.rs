//! Sentences of damage beside matched controls, of single neurons and of the family.

use super::*;
use crate::test_run::impact;

/// With the made-up tables of damage that the others take away.
fn whole(folder: &std::path::Path) -> Run {
    let mut run = test_run::open(folder, &Options::default());
    run.settings.ablation_modes = vec!["zero".to_owned()];
    run
}

#[test]
fn the_familys_claims_have_their_intervals() {
    let folder = tempfile::tempdir().unwrap();
    let mut run = whole(folder.path());
    let found = sentences(&run, "The family");
    assert_eq!(
        found,
        [
            "At step 200, the share of universal neurons in the mean over the 3 models is 3.0 % (95 % interval 2.4 to 3.9 %; without one model \
             2.7 to 3.3 %); since step 0 it has changed by 1.0 points (95 % interval -0.2 to 2.0 points; \
             without one model 0.8 to 1.2 points) of a hundred, an interval that holds no change.",
            "Of the neurons universal at step 10, 40.0 % (95 % interval 20.0 to 60.0 %; without one model 35.0 to 45.0 %) are so at step 200 \
             too, in the mean over the 3 models that have any; sets chosen independently would share 3.0 % (95 % interval 2.0 to 4.0 %; without \
             one model 2.5 to 3.5 %); of what chance leaves open, that is 38.0 % (95 % interval 18.0 to 58.0 %; without one model 33.0 to \
             43.0 %).",
            "At step 200, the universal neurons cost the models of the family 0.0200 nats (95 % interval 0.0100 to 0.0300 nats; without one model 0.0180 to \
             0.0220 nats) in the mean (zero ablation). It is 5.0 (95 % interval 3.5 to 7.5; without one model 4.5 to 6.0) times that of \
             random neurons of all layers alike, permutation p = 0.00990; 4.0 (95 % interval 2.8 to 6.0; without one model 3.6 to 4.8) times that \
             of random neurons of the same layers, permutation p = 0.00990; 2.0 (95 % interval 1.4 to 3.0; without one model 1.8 to 2.4) times that \
             of matched random neurons, permutation p = 0.00990.",
            "Matching in layer, activation, output weights and how often a neuron is active takes the ratio from 5.0 to 2.0: the interval of the \
             matched ratio lies above 1, and apart from that of the other. What remains is beyond these covariates, and may be owed to others.",
            "The same damage is done by 4.5 (95 % interval 3.1 to 6.8; without one model 4.0 to 5.4) times as many random neurons of all layers \
             alike; by 3.5 (95 % interval 2.4 to 5.2; without one model 3.1 to 4.2) times as many random neurons of the same layers; by 1.5 (95 % \
             interval 1.0 or more, open above; without one model 1.4 to 1.8) times as many matched random neurons. Five times, which the paper \
             found in GPT-2 Small, lies within the interval against matched sets.",
        ]
    );
    let last = |run: &mut Run, quantity: &str, change: fn(&mut homolog_results::FamilyRow)| {
        run.family.iter_mut().filter(|row| row.quantity == quantity).for_each(change);
        sentences(run, "The family").join(" ")
    };
    let found = last(&mut run, "ratio", |row| (row.low, row.high) = (Some(0.5), Some(3.0)));
    assert!(found.contains("the matched ratio holds 1, and overlaps that of the other."), "{found}");
    let found = last(&mut run, "ratio", |row| (row.low, row.high) = (None, None));
    assert!(found.contains("the matched ratio is undefined") && found.contains("5.0 (interval undefined;"), "{found}");
    let found = last(&mut run, "equal_multiple", |row| row.high = Some(3.0));
    assert!(found.contains("lies above the interval against matched sets"), "{found}");
    let found = last(&mut run, "equal_multiple", |row| (row.estimate, row.low, row.high) = (None, None, None));
    assert!(
        found.contains(
            "by no measured number of matched random neurons. Five times, which the paper found in GPT-2 Small, cannot"
        ),
        "{found}"
    );
    run.family.clear();
    assert!(sentences(&run, "The family").is_empty());
}

#[test]
fn single_neurons_say_how_far_the_first_order_goes_and_what_is_repaired() {
    let folder = tempfile::tempdir().unwrap();
    let mut run = whole(folder.path());
    let found = sentences(&run, "Single neurons");
    assert_eq!(
        found[0],
        "At step 200, over a random sample of 18 neurons set to zero one by one, the exact rise of the loss and the first-order estimate of it \
         correlate: 0.80 (mean of 3 models, from 0.70 to 0.90); the slope of the exact on the estimate, 1 if it were right, is 1.25 (mean of 3 \
         models, from 1.25 to 1.25)."
    );
    assert!(
        found[1].contains("over the 6 neurons of the greatest estimates") && found[1].contains("1.50 (mean"),
        "{found:?}"
    );
    assert!(found[2].contains("0.000300 nats") && found[2].contains("0.000100 nats"), "{found:?}");
    for words in [
        "0.00300 over 0.00200, 1.50 (1.10 to 2.00), in seed-b",
        "1.50 (interval undefined), in </script>",
        "beyond its interval in 2 of 3 models, below 1 in 0; in 0 the interval holds 1, in 1 it is undefined",
    ] {
        assert!(found[3].contains(words), "{words}: {}", found[3]);
    }
    run.attribution.iter_mut().for_each(|row| row.joint_over_singles_low = row.joint_over_singles_low.map(|_| 0.9));
    assert!(
        sentences(&run, "Single neurons")[3].contains("beyond its interval in 0 of 3 models, below 1 in 0; in 2 the")
    );
    run.attribution.clear();
    assert!(sentences(&run, "Single neurons").is_empty());
}

fn with_intervals(control: &str, model: usize, [ratio, multiple]: [f64; 2], high: Option<f64>, p: f64) -> DamageRow {
    DamageRow {
        n_draws: 100,
        p_value: Some(p),
        ratio: Some(ratio),
        ratio_low: Some(ratio - 0.5),
        ratio_high: Some(ratio + 1.0),
        equal_multiple_low: Some(multiple - 1.0),
        equal_multiple_high: high,
        ..damage(model, control, 0.5, 0.5 / ratio, Some(multiple))
    }
}

#[test]
fn matched_sets_stand_beside_unmatched_ones() {
    let folder = tempfile::tempdir().unwrap();
    let mut run = run(folder.path());
    for model in 0..2 {
        run.damage.push(with_intervals(impact::CONTROLS[0], model, [5.0, 4.0], Some(6.0), 0.01));
    }
    run.damage.push(with_intervals(impact::CONTROLS[2], 0, [2.0, 2.0], Some(3.0), 0.02));
    run.damage.push(with_intervals(impact::CONTROLS[2], 1, [2.5, 3.0], None, 0.04));
    let found = sentences(&run, "Ablation");
    assert!(
        found[0].ends_with("how often they are active, by 0.225 nats (mean of 2 models, from 0.200 to 0.250)."),
        "{}",
        found[0]
    );
    assert!(
        found[2]
            .ends_with("over that of as many matched ones, 2.0 (1.5 to 3.0) in seed-b and 2.5 (2.0 to 3.5) in seed-a."),
        "{}",
        found[2]
    );
    assert!(
        found[3].ends_with(
            "matched ones at 2.0 (1.0 to 3.0) in seed-b and 3.0 (2.0 or more, open above) in seed-a. Five times, which the paper found in GPT-2 \
             Small, lies within the interval against matched sets in 1 of 2 models, above it in 1, below it in 0."
        ),
        "{}",
        found[3]
    );
    assert_eq!(
        found[4],
        "The share of draws that cost as much or more, with the universal set as one of them (permutation p-values, over models), is from 0.0100 to \
         0.0100 against random neurons of all layers alike and from 0.0200 to 0.0400 against matched random neurons; with 100 draws it cannot be less \
         than 0.00990."
    );
    run.settings.ablation_modes.insert(0, "mean".to_owned());
    assert_eq!(sentences(&run, "Ablation").len(), 2, "of the first way of ablating only");
    run.settings.ablation_modes.remove(0);
    // So few draws say nothing.
    run.damage.iter_mut().for_each(|row| row.n_draws = 19);
    assert_eq!(sentences(&run, "Ablation").len(), 4);
}

#[test]
fn predictions_without_universal_neurons_are_told_as_means_over_models() {
    let folder = tempfile::tempdir().unwrap();
    let mut run = run(folder.path());
    run.damage.push(damage(0, "random", 0.5, 0.1, Some(2.0)));
    let row = |model: usize, set: &str, multiple: Option<u32>, [kl, top1]: [f64; 2]| homolog_results::AblationRow {
        model: MODELS[model].to_owned(),
        checkpoint: Some(200),
        threshold: Some(0.5),
        set: set.to_owned(),
        mode: "zero".to_owned(),
        multiple,
        n_neurons: 3,
        kl_nats: kl,
        top1_agreement: top1,
        ..homolog_results::AblationRow::default()
    };
    assert_eq!(sentences(&run, "Ablation").len(), 2);
    run.ablation = vec![
        row(0, "universal", None, [0.2, 0.8]),
        row(1, "universal", None, [0.4, 0.7]),
        // Two draws of one model and one of the other: models weigh alike.
        row(0, "random_matched", Some(1), [0.1, 0.9]),
        row(0, "random_matched", Some(1), [0.3, 0.9]),
        row(1, "random_matched", Some(1), [0.6, 0.6]),
        row(1, "random_matched", Some(2), [9.0, 0.1]),
    ];
    let found = sentences(&run, "Ablation");
    assert!(
        found[2].ends_with("0.300 nats and 75.0 % without universal neurons; 0.400 nats and 75.0 % without as many matched random neurons."),
        "{found:?}"
    );
}

#[test]
fn five_times_lies_where_the_interval_puts_it() {
    let place = |low, high| place_of_five(low, high);
    assert!(place(Some(1.0), Some(4.9)).starts_with("lies above"));
    assert!(place(Some(5.1), Some(9.0)).starts_with("lies below"));
    assert!(place(Some(5.1), None).starts_with("lies below"));
    assert!(
        place(Some(4.0), None).starts_with("lies within") && place(Some(4.0), Some(6.0)).starts_with("lies within")
    );
    assert!(place(None, None).starts_with("cannot be placed"));
}
