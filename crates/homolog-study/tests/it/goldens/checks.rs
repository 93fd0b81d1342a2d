//! Each golden number held against what was found. Errors, not panics, so that a mutant can be shown to fail.

use std::collections::BTreeMap;

use homolog_results::{AblationRow, MatchRow, NeuronRow};
use homolog_test::{Tol, check_close};
use serde_json::Value;

use super::expected::Goldens;
use super::found::{Found, listed, parts, set_name};

const SEEDS: [&str; 3] = ["seed-a", "seed-b", "seed-c"];
const STEPS: [i64; 5] = [50, 120, 280, 670, 1600];
const THRESHOLDS: [f64; 7] = [0.2, 0.25, 0.3, 0.35, 0.4, 0.5, 0.6];
const D_MLP: usize = 512;

/// Of correlations: asked for by issue 2. Measured: 4.2e-7 (the f32 columns themselves are exact to 3e-8).
const CORR: Tol = Tol::abs(1e-5);
/// Of baselines, and of excess, which contains them: asked for by issue 2. Measured: 1.6e-6 and 8.7e-7.
const BASELINE: Tol = Tol::abs(2e-5);
/// Of losses and what ablations add to them, in nats: asked for by issue 2. Measured: 9.3e-9 and 1.9e-8.
const LOSS: Tol = Tol::abs(1e-5);
/// Two neurons whose correlations are no further apart than this may change places: twice the tolerance of either.
const TIE: f64 = 2e-5;
/// A neuron whose golden excess is no further than this from a threshold may fall on either side of it.
const NEAR: f64 = 2e-5;
/// Counts, and ratios of counts.
const COUNT: Tol = Tol::abs(1e-12);

fn close(what: &str, got: &[f64], want: &[f64], tol: Tol) -> Result<(), String> {
    check_close(got, want, tol).map_err(|mismatch| format!("{what}: {mismatch}"))
}

fn ensure(holds: bool, complaint: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(complaint()) }
}

/// A column of table `neurons`.
type Column = fn(&NeuronRow) -> Option<f64>;
/// What is made of the two other models' values.
type Reduce = fn(f64, f64) -> f64;

fn column<R>(rows: &[R], value: impl Fn(&R) -> Option<f64>) -> Vec<f64> {
    rows.iter().map(|row| value(row).unwrap_or(f64::NAN)).collect()
}

/// Every ordered pair at every step: the rows, and the name of the pair in the goldens.
fn pairs(found: &Found) -> impl Iterator<Item = (i64, String, &[MatchRow])> {
    found.matches.iter().map(|((model, other, step), rows)| (*step, format!("{model}+{other}"), &rows[..]))
}

fn others(model: &str) -> impl Iterator<Item = &'static str> {
    SEEDS.into_iter().filter(move |&other| other != model)
}

fn flat(layer: Option<u16>, neuron: Option<u32>) -> usize {
    usize::from(layer.expect("defined")) * D_MLP + neuron.expect("defined") as usize
}

pub(super) fn correlations_of_every_pair(found: &Found, goldens: &Goldens) -> Result<(), String> {
    for (step, pair, rows) in pairs(found) {
        let (golden, more) = (goldens.tensors(&format!("checkpoint-{step}")), goldens.tensors(&format!("more-{step}")));
        let max = golden.f64(&format!("{pair}.max"));
        close(&format!("max_corr: {step} {pair}"), &column(rows, |row| row.max_corr.map(f64::from)), &max, CORR)?;
        let second = golden.f64(&format!("{pair}.second"));
        close(
            &format!("second_corr: {step} {pair}"),
            &column(rows, |row| row.second_corr.map(f64::from)),
            &second,
            CORR,
        )?;
        let lowest = more.f64(&format!("{pair}.lowest"));
        close(
            &format!("lowest_corr: {step} {pair}"),
            &column(rows, |row| row.lowest_corr.map(f64::from)),
            &lowest,
            CORR,
        )?;
    }
    Ok(())
}

pub(super) fn matched_neurons(found: &Found, goldens: &Goldens) -> Result<(), String> {
    for (step, pair, rows) in pairs(found) {
        let golden = goldens.tensors(&format!("checkpoint-{step}"));
        let (max, second) = (golden.f64(&format!("{pair}.max")), golden.f64(&format!("{pair}.second")));
        let argmax = golden.neurons(&format!("{pair}.argmax"));
        for (i, row) in rows.iter().enumerate().filter(|(i, _)| max[*i] - second[*i] > TIE) {
            let got = flat(row.matched_layer, row.matched_neuron);
            ensure(got == argmax[i], || format!("{step} {pair}: neuron {i} matches {got}, not {}", argmax[i]))?;
        }
    }
    Ok(())
}

pub(super) fn lowest_neurons(found: &Found, goldens: &Goldens) -> Result<(), String> {
    // The goldens do not tell the second lowest, so near ties are told by what they cost: a different neuron is right only if its
    // correlation is the lowest within rounding. Measured with AVX2: none.
    const MOST_NEAR_TIES: usize = 10;
    let mut n_different = 0;
    for (step, pair, rows) in pairs(found) {
        let more = goldens.tensors(&format!("more-{step}"));
        let (lowest, argmin) = (more.f64(&format!("{pair}.lowest")), more.neurons(&format!("{pair}.lowest_arg")));
        for (i, row) in rows.iter().enumerate() {
            let is_same = flat(row.lowest_layer, row.lowest_neuron) == argmin[i];
            let is_tie = (f64::from(row.lowest_corr.expect("defined")) - lowest[i]).abs() <= TIE;
            ensure(is_same || is_tie, || format!("{step} {pair}: the lowest of neuron {i} is {row:?}"))?;
            n_different += usize::from(!is_same);
        }
    }
    ensure(n_different <= MOST_NEAR_TIES, || format!("{n_different} lowest neurons differ"))
}

pub(super) fn baseline_of_every_pair(found: &Found, goldens: &Goldens) -> Result<(), String> {
    for (step, pair, rows) in pairs(found) {
        let golden = goldens.tensors(&format!("checkpoint-{step}")).f64(&format!("{pair}.base_max"));
        close(
            &format!("baseline: {step} {pair}"),
            &column(rows, |row| row.baseline.map(f64::from)),
            &golden,
            BASELINE,
        )?;
    }
    Ok(())
}

pub(super) fn sixteen_best(found: &Found, goldens: &Goldens) -> Result<(), String> {
    for (step, pair, _) in pairs(found) {
        let more = goldens.tensors(&format!("more-{step}"));
        let (want, want_neuron) = (more.f64(&format!("{pair}.top16")), more.neurons(&format!("{pair}.top16_arg")));
        let (shape, corr) = found.top_k.f32(&format!("{step}/{pair}.corr")).map_err(|error| error.to_string())?;
        ensure(shape == [2048, 16], || format!("{step} {pair}: shape {shape:?}"))?;
        let corr: Vec<f64> = corr.into_iter().map(f64::from).collect();
        close(&format!("top16: {step} {pair}"), &corr, &want, CORR)?;
        let (_, neuron) = found.top_k.u32(&format!("{step}/{pair}.neuron")).map_err(|error| error.to_string())?;
        for (i, best) in want.chunks_exact(16).enumerate() {
            // The sixteenth may have a rival that the goldens do not list.
            let is_apart =
                |rank: usize| (rank == 0 || best[rank - 1] - best[rank] > TIE) && best[rank] - best[rank + 1] > TIE;
            for rank in (0..15).filter(|&rank| is_apart(rank)) {
                let (got, want) = (neuron[i * 16 + rank] as usize, want_neuron[i * 16 + rank]);
                ensure(got == want, || format!("{step} {pair}: match {rank} of neuron {i} is {got}, not {want}"))?;
            }
        }
    }
    Ok(())
}

pub(super) fn excess_and_its_parts(found: &Found, goldens: &Goldens) -> Result<(), String> {
    let mean: Reduce = |first, second| f64::midpoint(first, second);
    let columns: [(&str, &str, Column, Reduce, Tol); 6] = [
        ("max_corr", "max", |row| row.max_corr, f64::max, CORR),
        ("mean_corr", "max", |row| row.mean_corr, mean, CORR),
        ("min_corr", "max", |row| row.min_corr, f64::min, CORR),
        ("max_baseline", "base_max", |row| row.max_baseline, f64::max, BASELINE),
        ("mean_baseline", "base_max", |row| row.mean_baseline, mean, BASELINE),
        ("min_baseline", "base_max", |row| row.min_baseline, f64::min, BASELINE),
    ];
    for ((model, step), rows) in &found.neurons {
        let golden = goldens.tensors(&format!("checkpoint-{step}"));
        for (name, tensor, value, reduce, tol) in columns {
            let of_other = |other: &str| golden.f64(&format!("{model}+{other}.{tensor}"));
            let want = others(model).map(of_other).reduce(|first, second| {
                first.iter().zip(&second).map(|(&first, &second)| reduce(first, second)).collect()
            });
            close(&format!("neurons.{name}: {step} {model}"), &column(rows, value), &want.unwrap(), tol)?;
        }
        let want = golden.f64(&format!("{model}.excess"));
        close(&format!("excess: {step} {model}"), &column(rows, |row| row.excess_corr), &want, BASELINE)?;
    }
    Ok(())
}

pub(super) fn decisions(found: &Found, goldens: &Goldens) -> Result<(), String> {
    for ((model, step), rows) in &found.neurons {
        let golden = goldens.tensors(&format!("checkpoint-{step}"));
        let excess = golden.f64(&format!("{model}.excess"));
        let max: Vec<_> = others(model).map(|other| golden.f64(&format!("{model}+{other}.max"))).collect();
        for (i, row) in rows.iter().enumerate() {
            let what = || format!("{step} {model}: neuron {i}");
            ensure(usize::from(row.layer) * D_MLP + row.neuron as usize == i, what)?;
            let is_near = (excess[i] - 0.3).abs() <= NEAR;
            ensure(is_near || row.is_universal == (excess[i] > 0.3), || format!("{}: {row:?}", what()))?;
            let n_above = |margin: f64| max.iter().filter(|max| max[i] > 0.5 + margin).count() as u32;
            let is_between = (n_above(CORR.abs)..=n_above(-CORR.abs)).contains(&row.n_models_above);
            ensure(is_between, || format!("{}: {} models above", what(), row.n_models_above))?;
            ensure(row.is_universal_count == (row.n_models_above >= 2), || format!("{}: count rule", what()))?;
        }
    }
    Ok(())
}

pub(super) fn moments(found: &Found, goldens: &Goldens) -> Result<(), String> {
    // An activation in f32 is off by some 1e-7 of its size, and a moment inherits that relative to its own. Measured:
    // mean 3.8e-8, variance 7.6e-7 of itself, skewness 2.9e-5 at values near 10, kurtosis 2.3e-6 of itself, extremes
    // 3.2e-6, and one token of 19,556 whose activation is within rounding of 0.
    let tol = |abs: f64, rel: f64| Tol { abs, rel };
    let columns: [(&str, Column, Tol); 5] = [
        ("act_skew", |row| row.act_skew, tol(1e-5, 1e-5)),
        ("act_kurt", |row| row.act_kurt, tol(1e-5, 1e-5)),
        ("act_min", |row| Some(row.act_min), tol(1e-5, 0.0)),
        ("act_max", |row| Some(row.act_max), tol(1e-5, 1e-5)),
        ("frac_positive", |row| Some(row.frac_positive), tol(1e-4, 0.0)),
    ];
    for ((model, step), rows) in &found.neurons {
        let (golden, more) = (goldens.tensors(&format!("checkpoint-{step}")), goldens.tensors(&format!("more-{step}")));
        let mean = golden.f64(&format!("{model}.act_mean"));
        close(&format!("act_mean: {step} {model}"), &column(rows, |row| Some(row.act_mean)), &mean, tol(1e-6, 0.0))?;
        let var: Vec<f64> = golden.f64(&format!("{model}.act_std")).iter().map(|sd| sd * sd).collect();
        close(&format!("act_var: {step} {model}"), &column(rows, |row| Some(row.act_var)), &var, tol(0.0, 1e-5))?;
        for (name, value, tol) in columns {
            close(
                &format!("{name}: {step} {model}"),
                &column(rows, value),
                &more.f64(&format!("{model}.{name}")),
                tol,
            )?;
        }
    }
    Ok(())
}

/// The goldens hold 128 whole rows of one matrix of correlations: their histograms, and once more their extremes.
pub(super) fn histograms_of_known_rows(found: &Found, goldens: &Goldens) -> Result<(), String> {
    let block = goldens.tensors("corr_block_a_b_final");
    let (rows, corr) = (block.neurons("rows"), block.f64("corr"));
    let (_, counts) = found.histograms.u32("1600/seed-a+seed-b.counts").map_err(|error| error.to_string())?;
    let matches = &found.matches[&("seed-a".to_owned(), "seed-b".to_owned(), 1600)];
    for (&neuron, corr) in rows.iter().zip(corr.chunks_exact(2048)) {
        let largest = corr.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let got = f64::from(matches[neuron].max_corr.expect("defined"));
        close(&format!("block: neuron {neuron}"), &[got], &[largest], CORR)?;
        let mut below = 0;
        for (bin, count) in counts[neuron * 40..][..40].iter().enumerate() {
            below += *count;
            // Those within the tolerance of the bin's upper edge may be counted here or in the next.
            let edge = (bin + 1) as f64 / 20.0 - 1.0;
            let n_below = |edge: f64| corr.iter().filter(|&&corr| corr < edge).count() as u32;
            let is_between = bin == 39 || (n_below(edge - CORR.abs)..=n_below(edge + CORR.abs)).contains(&below);
            ensure(is_between, || format!("neuron {neuron}: {below} correlations below {edge}"))?;
        }
    }
    Ok(())
}

pub(super) fn losses_and_means(found: &Found, goldens: &Goldens) -> Result<(), String> {
    let summary = goldens.json("summary");
    for row in &found.models {
        let step = row.checkpoint.unwrap();
        let golden = &summary["checkpoints"][step.to_string()][&row.model];
        let want = |name: &str| golden[name].as_f64().unwrap();
        let what = format!("{step} {}", row.model);
        close(&format!("loss: {what}"), &[row.loss_nats], &[want("loss")], LOSS)?;
        let rows = &found.neurons[&(row.model.clone(), step)];
        let mean = |values: Vec<f64>| values.iter().sum::<f64>() / values.len() as f64;
        let excess = column(rows, |row| row.excess_corr);
        let got = [
            mean(column(rows, |row| row.mean_corr)),
            mean(column(rows, |row| row.mean_baseline)),
            mean(excess.clone()),
        ];
        close(&format!("means: {what}"), &got, &["mean_max", "mean_base", "excess_mean"].map(want), BASELINE)?;
        let highest = excess.into_iter().fold(f64::NEG_INFINITY, f64::max);
        close(&format!("highest excess: {what}"), &[highest], &[want("excess_max")], BASELINE)?;
    }
    Ok(())
}

/// Golden excess of every neuron, by model and step.
struct Excess(BTreeMap<(&'static str, i64), Vec<f64>>);

impl Excess {
    fn of(goldens: &Goldens) -> Self {
        let of_step = |step: i64| {
            let golden = goldens.tensors(&format!("checkpoint-{step}"));
            SEEDS.map(|model| ((model, step), golden.f64(&format!("{model}.excess"))))
        };
        Self(STEPS.into_iter().flat_map(of_step).collect())
    }

    /// Neurons of a layer, or of all, that satisfy a condition.
    fn count(&self, (model, step): (&str, i64), layer: Option<u16>, is_member: impl Fn(f64) -> bool) -> f64 {
        let excess = &self.0[&(SEEDS.into_iter().find(|seed| *seed == model).expect("a seed"), step)];
        let neurons = layer.map_or(0..excess.len(), |layer| {
            let layer = usize::from(layer);
            layer * D_MLP..(layer + 1) * D_MLP
        });
        excess[neurons].iter().filter(|&&excess| is_member(excess)).count() as f64
    }

    /// How many neurons may be counted either way.
    fn near(&self, of: (&str, i64), layer: Option<u16>, threshold: f64) -> f64 {
        self.count(of, layer, |excess| (excess - threshold).abs() <= NEAR)
    }
}

/// The place of a layer in those lists of the goldens that begin with all layers.
fn place(layer: Option<u16>) -> usize {
    layer.map_or(0, |layer| usize::from(layer) + 1)
}

pub(super) fn emergence(found: &Found, goldens: &Goldens) -> Result<(), String> {
    let (excess, allowed) = (Excess::of(goldens), Excess::of(&goldens.unmutated()));
    for row in &found.emergence {
        let of = (row.model.as_str(), row.checkpoint.unwrap());
        ensure(THRESHOLDS.contains(&row.threshold), || format!("{row:?}: not one of the study's thresholds"))?;
        let want = excess.count(of, row.layer, |excess| excess > row.threshold);
        let allowed = Tol::abs(allowed.near(of, row.layer, row.threshold));
        close(&format!("counts: {row:?}"), &[row.n_universal as f64], &[want], allowed)?;
        let n_neurons = if row.layer.is_none() { 2048 } else { 512 };
        ensure(row.n_neurons == n_neurons, || format!("{row:?}: n_neurons"))?;
        close(&format!("shares: {row:?}"), &[row.share], &[row.n_universal as f64 / n_neurons as f64], COUNT)?;
    }
    Ok(())
}

pub(super) fn emergence_as_summarised(found: &Found, goldens: &Goldens) -> Result<(), String> {
    let (summary, excess) = (goldens.json("summary"), Excess::of(&goldens.unmutated()));
    let mut n_compared = 0;
    for row in &found.emergence {
        let step = row.checkpoint.unwrap();
        let golden = &summary["checkpoints"][step.to_string()][&row.model];
        let threshold = row.threshold.to_string();
        let want = match row.layer {
            None => &golden["n_universal"][&threshold],
            Some(layer) => &golden["per_layer"][&threshold][usize::from(layer)],
        };
        // The summary does not have all thresholds of the study.
        if let Some(want) = want.as_f64() {
            let allowed = Tol::abs(excess.near((&row.model, step), row.layer, row.threshold));
            close(&format!("counts in the summary: {row:?}"), &[row.n_universal as f64], &[want], allowed)?;
            n_compared += 1;
        }
    }
    ensure(n_compared == 15 * 5 * 5, || format!("{n_compared} counts compared"))
}

/// Golden counts of one model, threshold and pair of steps.
struct Overlap {
    model: String,
    threshold: f64,
    from: i64,
    to: i64,
    golden: Value,
}

/// `seed-a|0.2|50->120` and its value.
fn overlaps(golden: Value) -> Vec<Overlap> {
    let Value::Object(golden) = golden else { panic!("not by key") };
    let overlaps = golden.into_iter().map(|(key, golden)| {
        let [model, threshold, steps] = key.split('|').collect::<Vec<_>>()[..] else { panic!("key {key}") };
        let (from, to) = steps.split_once("->").unwrap();
        Overlap {
            model: model.to_owned(),
            threshold: threshold.parse().unwrap(),
            from: from.parse().unwrap(),
            to: to.parse().unwrap(),
            golden,
        }
    });
    overlaps.collect()
}

pub(super) fn persistence_of_all_pairs(found: &Found, goldens: &Goldens) -> Result<(), String> {
    let excess = Excess::of(&goldens.unmutated());
    let golden = overlaps(goldens.json("persistence_all_pairs")["persistence"].take());
    ensure(golden.len() == 3 * 7 * 10, || format!("{} goldens", golden.len()))?;
    for Overlap { model, threshold, from, to, golden } in golden {
        let rows = found.persistence.iter().filter(|row| {
            (row.model == model && row.threshold == threshold)
                && (row.from_checkpoint, row.to_checkpoint) == (Some(from), Some(to))
        });
        let mut n_rows = 0;
        for row in rows {
            n_rows += 1;
            let want = |name: &str| golden[name][place(row.layer)].as_f64().unwrap();
            let [near_from, near_to] = [from, to].map(|step| excess.near((&model, step), row.layer, threshold));
            let counts = [row.n_from, row.n_to, row.n_both].map(|count| count as f64);
            close(&format!("n_from: {row:?}"), &counts[..1], &[want("n_from")], Tol::abs(near_from))?;
            close(&format!("n_to: {row:?}"), &counts[1..2], &[want("n_to")], Tol::abs(near_to))?;
            close(&format!("n_both: {row:?}"), &counts[2..], &[want("n_both")], Tol::abs(near_from + near_to))?;
            if near_from + near_to == 0.0 {
                let (n_from, n_to, n_both) = (want("n_from"), want("n_to"), want("n_both"));
                let n_either = n_from + n_to - n_both;
                same(&format!("persistence: {row:?}"), row.persistence, (n_from > 0.0).then(|| n_both / n_from))?;
                same(&format!("jaccard: {row:?}"), row.jaccard, (n_either > 0.0).then(|| n_both / n_either))?;
                close(&format!("chance: {row:?}"), &[row.expected_by_chance], &[want("expected_by_chance")], COUNT)?;
            }
            let place = |step: i64| STEPS.iter().position(|&other| other == step).unwrap();
            let (is_consecutive, is_from_first) = (place(to) == place(from) + 1, from == 50);
            let is_right = row.is_consecutive == is_consecutive && row.is_from_first == is_from_first;
            ensure(is_right, || format!("{row:?}: which pair this is"))?;
        }
        ensure(n_rows == 5, || format!("{model} {threshold} {from} {to}: {n_rows} rows"))?;
    }
    Ok(())
}

fn same(what: &str, got: Option<f64>, want: Option<f64>) -> Result<(), String> {
    match (got, want) {
        (Some(got), Some(want)) => close(what, &[got], &[want], COUNT),
        (None, None) => Ok(()),
        _ => Err(format!("{what}: {got:?}, not {want:?}")),
    }
}

pub(super) fn persistence_of_consecutive_checkpoints(found: &Found, goldens: &Goldens) -> Result<(), String> {
    let excess = Excess::of(&goldens.unmutated());
    let golden = overlaps(goldens.json("persistence"));
    ensure(golden.len() == 3 * 7 * 4, || format!("{} goldens", golden.len()))?;
    for Overlap { model, threshold, from, to, golden } in golden {
        let rows = found.persistence.iter().filter(|row| row.model == model && row.threshold == threshold);
        let rows = rows.filter(|row| row.is_consecutive && row.from_checkpoint == Some(from));
        for row in rows {
            let [near_from, near_to] = [from, to].map(|step| excess.near((&model, step), row.layer, threshold));
            let of_place = row.layer.map_or(&golden, |layer| &golden["per_layer"][usize::from(layer)]);
            let want = |name: &str| of_place[name].as_f64().unwrap();
            close(&format!("n_from: {row:?}"), &[row.n_from as f64], &[want("n_from")], Tol::abs(near_from))?;
            close(&format!("n_both: {row:?}"), &[row.n_both as f64], &[want("both")], Tol::abs(near_from + near_to))?;
            if row.layer.is_none() && near_from + near_to == 0.0 {
                close(&format!("n_to: {row:?}"), &[row.n_to as f64], &[want("n_to")], COUNT)?;
                same(&format!("persistence: {row:?}"), row.persistence, golden["persistence"].as_f64())?;
                same(&format!("jaccard: {row:?}"), row.jaccard, golden["jaccard"].as_f64())?;
            }
        }
    }
    Ok(())
}

pub(super) fn stability(found: &Found, goldens: &Goldens) -> Result<(), String> {
    let (excess, golden) = (Excess::of(&goldens.unmutated()), goldens.json("persistence_all_pairs"));
    for row in &found.stability {
        let want = &golden["stability"][format!("{}|{}", row.model, row.threshold)][row.k.to_string()];
        let near = |&step: &i64| excess.near((&row.model, step), row.layer, row.threshold);
        let allowed = Tol::abs(STEPS.iter().map(near).sum());
        let (got, want) = (row.n_universal_at_least_k as f64, want[place(row.layer)].as_f64().unwrap());
        close(&format!("stability: {row:?}"), &[got], &[want], allowed)?;
    }
    Ok(())
}

pub(super) fn universal_sets(found: &Found, goldens: &Goldens) -> Result<(), String> {
    for (key, golden) in goldens.json("ablation").as_object().unwrap() {
        let (model, step, threshold) = parts(key);
        let excess = goldens.unmutated().tensors(&format!("checkpoint-{step}")).f64(&format!("{model}.excess"));
        let is_near = |&neuron: &f64| excess.get(neuron as usize).is_some_and(|e| (e - threshold).abs() <= NEAR);
        let mut got = universal(found, (model, step));
        // As floating-point numbers, so that a scaled list is another one.
        let mut want: Vec<f64> = numbers(&golden["universal"]);
        got.retain(|neuron| !is_near(neuron));
        want.retain(|neuron| !is_near(neuron));
        ensure(got == want, || format!("{key}: {got:?}, not {want:?}"))?;
    }
    Ok(())
}

fn numbers(list: &Value) -> Vec<f64> {
    list.as_array().unwrap().iter().map(|value| value.as_f64().unwrap()).collect()
}

/// Flat numbers of the universal neurons.
fn universal(found: &Found, (model, step): (&str, i64)) -> Vec<f64> {
    let rows = found.neurons[&(model.to_owned(), step)].iter().enumerate();
    rows.filter(|(_, row)| row.is_universal).map(|(i, _)| i as f64).collect()
}

fn ablation<'a>(found: &'a Found, (model, step): (&str, i64), set: &str, mode: &str) -> Vec<&'a AblationRow> {
    let of_set =
        |row: &&AblationRow| row.model == model && row.checkpoint == Some(step) && row.set == set && row.mode == mode;
    found.ablation.iter().filter(of_set).collect()
}

pub(super) fn ablation_of_listed_sets(found: &Found, goldens: &Goldens) -> Result<(), String> {
    let mut n_compared = 0;
    for (key, golden) in goldens.json("ablation").as_object().unwrap() {
        let (model, step, _) = parts(key);
        for (set, neurons) in listed(golden) {
            let of_draw = set.rsplit_once('-').map(|(kind, draw)| &golden[kind][draw.parse::<usize>().unwrap()]);
            for mode in ["zero", "mean"] {
                let want = of_draw.map_or(&golden[format!("{mode}_universal")], |draw| &draw[mode]);
                // Of random sets, only the first draw has both.
                let Some(want) = want.as_f64() else { continue };
                let rows = ablation(found, (model, step), &set_name(model, step, &set), mode);
                let [row] = rows[..] else { return Err(format!("{key} {set}: {} rows", rows.len())) };
                close(&format!("delta: {row:?}"), &[row.delta_loss_nats], &[want], LOSS)?;
                let clean = golden["loss"].as_f64().unwrap();
                close(&format!("clean loss: {row:?}"), &[row.loss_nats_clean], &[clean], LOSS)?;
                let n = neurons.as_array().unwrap().len();
                ensure(row.n_neurons == n as u64, || format!("{row:?}: {n} neurons"))?;
                ensure(row.threshold.is_none() && row.layer.is_none(), || format!("{row:?}: a user's set"))?;
                same(&format!("efficiency: {row:?}"), row.efficiency_nats, Some(row.delta_loss_nats / n as f64))?;
                n_compared += 1;
            }
            // The study's own set is the listed one, unless a neuron at the very threshold makes it another.
            if (set.as_str(), step) == ("universal", 1600) && numbers(neurons) == universal(found, (model, step)) {
                for mode in ["zero", "mean"] {
                    let own = ablation(found, (model, step), "universal", mode);
                    let replayed = ablation(found, (model, step), &set_name(model, step, &set), mode);
                    let is_same = own.len() == 1 && own[0].loss_nats.to_bits() == replayed[0].loss_nats.to_bits();
                    ensure(is_same, || format!("{own:?} and {replayed:?}: the same set"))?;
                }
            }
        }
    }
    ensure(n_compared == 60, || format!("{n_compared} deltas compared"))
}

pub(super) fn ablation_by_layer(found: &Found, goldens: &Goldens) -> Result<(), String> {
    let excess = Excess::of(&goldens.unmutated());
    for (model, golden) in goldens.json("ablation_layers_1600").as_object().unwrap() {
        for mode in ["zero", "mean"] {
            let rows = ablation(found, (model, 1600), "universal_layer", mode);
            ensure(rows.len() == 4, || format!("{model}: {} layers", rows.len()))?;
            for row in rows {
                let layer = row.layer.expect("a layer's set names it");
                let want = &golden[layer.to_string()];
                let want = |name: &str| want[name].as_f64().unwrap();
                let allowed = excess.near((model, 1600), row.layer, 0.3);
                close(&format!("n_neurons: {row:?}"), &[row.n_neurons as f64], &[want("n")], Tol::abs(allowed))?;
                if allowed == 0.0 {
                    close(&format!("delta of a layer: {row:?}"), &[row.delta_loss_nats], &[want(mode)], LOSS)?;
                }
            }
        }
    }
    Ok(())
}
