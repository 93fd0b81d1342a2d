//! Standard errors and intervals: every block left out in turn, correlations taken anew token by token.

use homolog_results::EmergenceRow;
use homolog_test::Tol;
use homolog_test::reference_gpt2::{erfc, pearson};

use super::differences::Differences;
use super::family::{NAMES, Settings, Slow, Study, pairs};
use super::tokens::{blocks, sizes};

/// Of activations in f32: a correlation without a block is off by 3e-7 as it is with it, and se takes their differences times 20.
const SE: Tol = Tol::abs(3e-6);
/// Ends of intervals move with se times t.
const END: Tol = Tol::abs(6e-6);
/// 1 / se_z^2.
const N_EFF: Tol = Tol { abs: 0.0, rel: 1e-4 };
/// Correlations of two neurons.
const CORR: Tol = Tol::abs(5e-6);
/// Matches that lie no further apart may change places between f32 and f64.
pub(super) const TIE: f64 = 1e-5;
/// Excess correlations that lie no further from a threshold may cross it.
const NEAR: f64 = 2e-6;

/// Of Busing et al. 1999: the pseudo-values one by one, their mean, and how far they lie from it.
fn jackknife(estimate: f64, without: &[f64], sizes: &[f64]) -> Option<f64> {
    let n: f64 = sizes.iter().sum();
    let g = sizes.len() as f64;
    let of_mean: f64 = without.iter().zip(sizes).map(|(without, m)| (1.0 - m / n) * without).sum();
    let mean = g * estimate - of_mean;
    let squares = without.iter().zip(sizes).map(|(without, m)| {
        let h = n / m;
        let pseudo = h * estimate - (h - 1.0) * without;
        (pseudo - mean).powi(2) / (h - 1.0)
    });
    let se = (squares.sum::<f64>() / g).sqrt();
    se.is_finite().then_some(se)
}

/// Correlation of two neurons, and its standard error.
pub(super) fn corr_and_se(x: &[f64], y: &[f64], blocks: &[usize]) -> Option<(f64, f64)> {
    let corr = pearson(x, y)?;
    Some((corr, jackknife(corr, &corrs_without(x, y, blocks), &sizes(blocks))?))
}

/// Correlation of two neurons without each block; NaN where undefined.
fn corrs_without(x: &[f64], y: &[f64], blocks: &[usize]) -> Vec<f64> {
    let n_blocks = blocks.iter().max().unwrap() + 1;
    let left = |x: &[f64], block: usize| -> Vec<f64> {
        x.iter().zip(blocks).filter(|(_, of)| **of != block).map(|(x, _)| *x).collect()
    };
    (0..n_blocks).map(|block| pearson(&left(x, block), &left(y, block)).unwrap_or(f64::NAN)).collect()
}

/// What is taken from each neuron's match without each block.
pub(super) fn check(study: &Study, settings: &Settings) -> Differences {
    let mut differences = Differences::default();
    let blocks = blocks(study, settings.n_blocks);
    let sizes = sizes(&blocks);
    for slow in study.steps {
        // [model][neuron]: changes of the correlations with the others, block by block.
        let mut changes: Vec<Vec<Vec<Vec<f64>>>> =
            (0..NAMES.len()).map(|model| vec![Vec::new(); slow.n_neurons(model)]).collect();
        for pair in pairs() {
            for (i, row) in study.found.matches[&(pair, slow.step)].iter().enumerate() {
                let at = format!("{} with {}, step {}, neuron {i}", NAMES[pair.0], NAMES[pair.1], slow.step);
                let best = slow.best(pair, i, settings.rank);
                let without =
                    |j: usize| corrs_without(&slow.activations[pair.0][i], &slow.activations[pair.1][j], &blocks);
                let mut want = None;
                let mut of_lead = (None, None);
                if let Some((corr, j)) = best {
                    let of_best = without(j);
                    let zs: Vec<f64> = of_best.iter().map(|corr| corr.atanh()).collect();
                    want = jackknife(corr, &of_best, &sizes).zip(jackknife(corr.atanh(), &zs, &sizes)).map(
                        |(se, se_z)| {
                            let end = |sign: f64| (corr.atanh() + sign * settings.t * se_z).tanh();
                            [se, end(-1.0), end(1.0), 3.0 + 1.0 / se_z.powi(2)]
                        },
                    );
                    changes[pair.0][i].push(of_best.iter().map(|without| without - corr).collect());
                    let second = slow.best(pair, i, settings.rank + 1).unwrap();
                    let of_second = without(second.1);
                    let leads: Vec<f64> =
                        of_best.iter().zip(&of_second).map(|(first, second)| first - second).collect();
                    of_lead = (Some(corr - second.0), jackknife(corr - second.0, &leads, &sizes));
                }
                let rank_of = |rank: usize| slow.best(pair, i, rank).map_or(f64::NEG_INFINITY, |best| best.0);
                let is_decided = |rank: usize| best.is_none() || rank_of(rank) - rank_of(rank + 1) > TIE;
                assert!(is_decided(0), "{at}: another seed makes the best match sure");
                differences.close("max_corr_se", row.max_corr_se, want.map(|want| want[0]), SE, &at);
                differences.close("max_corr_low", row.max_corr_low, want.map(|want| want[1]), END, &at);
                differences.close("max_corr_high", row.max_corr_high, want.map(|want| want[2]), END, &at);
                differences.close("n_eff", row.n_eff, want.map(|want| want[3]), N_EFF, &at);
                differences.close("lead", row.lead, of_lead.0, CORR, &at);
                if is_decided(1) {
                    differences.close("lead_se", row.lead_se, of_lead.1, SE, &at);
                }
            }
        }
        for model in 0..NAMES.len() {
            of_neurons(study, settings, (slow, model), (&changes[model], &sizes), &mut differences);
        }
    }
    for row in &study.found.models {
        let found = (row.n_blocks, row.blocks_of.as_deref());
        differences.same("n_blocks", found, (Some(sizes.len() as u64), Some("rows")), &row.model);
    }
    differences
}

/// One neuron: its excess, and how it changes without each block.
struct OfNeuron {
    excess: f64,
    changes: Vec<f64>,
    interval: Option<[f64; 3]>,
}

fn of_neurons(
    study: &Study,
    settings: &Settings,
    (slow, model): (&Slow, usize),
    (changes, sizes): (&[Vec<Vec<f64>>], &[f64]),
    differences: &mut Differences,
) {
    let mut neurons = Vec::new();
    for (i, row) in study.found.neurons[&(model, slow.step)].iter().enumerate() {
        let at = format!("{}, step {}, neuron {i}", NAMES[model], slow.step);
        // The excess has its own twin, in `variety`.
        let of_neuron = row.excess_corr.map(|excess| {
            let n = changes[i].len() as f64;
            let mean: Vec<f64> =
                (0..sizes.len()).map(|block| changes[i].iter().map(|of| of[block]).sum::<f64>() / n).collect();
            let without: Vec<f64> = mean.iter().map(|change| excess + change).collect();
            let interval =
                jackknife(excess, &without, sizes).map(|se| [se, excess - settings.t * se, excess + settings.t * se]);
            OfNeuron { excess, changes: mean, interval }
        });
        let want = |at: usize| of_neuron.as_ref().and_then(|of| Some(of.interval?[at]));
        differences.close("excess_se", row.excess_se, want(0), SE, &at);
        differences.close("excess_low", row.excess_low, want(1), END, &at);
        differences.close("excess_high", row.excess_high, want(2), END, &at);
        neurons.push(of_neuron);
    }
    let is_here = |row: &&EmergenceRow| row.model == NAMES[model] && row.checkpoint == Some(slow.step);
    let rows: Vec<&EmergenceRow> = study.found.emergence.iter().filter(is_here).collect();
    let d_mlp = slow.d_mlp[model];
    assert_eq!(rows.len(), 3 * (1 + neurons.len() / d_mlp), "thresholds, and all layers together");
    for row in rows {
        let at = format!("{}, step {}, layer {:?}, threshold {}", row.model, slow.step, row.layer, row.threshold);
        let of_layer = row.layer.map_or(0..neurons.len(), |layer| {
            let layer = usize::from(layer);
            layer * d_mlp..(layer + 1) * d_mlp
        });
        let neurons = &neurons[of_layer];
        // Counted by the chance to pass; far from the threshold, and where that is not known, as it is.
        let chance = |of: &OfNeuron, change: f64| {
            let distance = of.excess - row.threshold;
            assert!(distance.abs() > NEAR, "{at}: another threshold leaves no doubt");
            match of.interval {
                Some([se, ..]) if distance.abs() < 6.0 * se => 0.5 * erfc(-(distance + change) / se / 2.0_f64.sqrt()),
                _ => f64::from(distance > 0.0),
            }
        };
        let n = neurons.len() as f64;
        let sum =
            |change: &dyn Fn(&OfNeuron) -> f64| neurons.iter().flatten().map(|of| chance(of, change(of))).sum::<f64>();
        let without: Vec<f64> = (0..sizes.len()).map(|block| sum(&|of| of.changes[block]) / n).collect();
        let se = jackknife(sum(&|_| 0.0) / n, &without, sizes);
        let whole = neurons.iter().flatten().filter(|of| of.excess > row.threshold).count() as f64 / n;
        differences.close("share", Some(row.share), Some(whole), Tol::abs(1e-12), &at);
        differences.close("share_se", row.share_se, se, SE, &at);
        let end = |sign: f64| se.map(|se| whole + sign * settings.t * se);
        differences.close("share_low", row.share_low, end(-1.0), END, &at);
        differences.close("share_high", row.share_high, end(1.0), END, &at);
        let n_above = |at: usize| {
            let intervals = neurons.iter().flatten().filter_map(|of| of.interval);
            Some(intervals.filter(|interval| interval[at] > row.threshold).count() as u64)
        };
        differences.same("n_surely", row.n_surely, n_above(1), &at);
        differences.same("n_possibly", row.n_possibly, n_above(2), &at);
    }
}
