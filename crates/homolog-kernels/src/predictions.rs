//! What a model predicts beside what changed copies of it predict: losses, divergences and first choices, without a
//! [`n_pos`, `d_vocab`] array.

#[cfg(test)]
mod reference;
#[cfg(test)]
mod tests;

use crate::cross_entropy::{LogSumExp, POSITION_BLOCK, VOCAB_BLOCK, add_block};
use crate::elementwise::{exp, lane_max, lane_total, per_isa};
use crate::product::{Packed, product};

/// A prediction at one position.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Prediction {
    /// Cross-entropy of the target, in nats; the bits of [`crate::cross_entropy`].
    pub loss: f32,
    /// Kullback-Leibler divergence of this prediction from the clean one, sum over v of p(v) log(p(v) / q(v)), p the clean one, in nats.
    pub kl: f32,
    /// The token with the greatest logit, the lowest id of equals.
    pub top: u32,
}

/// Predictions of a clean residual stream, and of others beside it: the clean logits are computed once for all.
///
/// Shapes: `clean` and each of `changed` [`n_pos`, `d_model`] after the final layer norm; `w_u` [`d_model`, `d_vocab`]; `targets` [`n_pos`].
/// Returns the clean predictions [`n_pos`], whose `kl` is 0, and then those of each of `changed`.
/// Precision: as [`crate::cross_entropy`]; `kl` is off by 3e-7 nats and 5e-6 of itself (test `agrees_with_float64`), so that one near 0
/// may come out below it. NaN logits give a NaN loss and `kl`.
/// Panics: as [`crate::cross_entropy`].
pub fn predictions(clean: &[f32], changed: &[&[f32]], w_u: &Packed, targets: &[u32]) -> Vec<Vec<Prediction>> {
    let (d_model, d_vocab) = (w_u.n_rows(), w_u.n_columns());
    let fits = |x: &[f32]| x.len() == targets.len() * d_model;
    assert!(fits(clean) && changed.iter().all(|x| fits(x)), "predictions shapes");
    assert!(targets.iter().all(|&target| (target as usize) < d_vocab), "targets within the vocabulary");
    let mut found = vec![Vec::with_capacity(targets.len()); 1 + changed.len()];
    let n_block = POSITION_BLOCK.min(targets.len());
    let block = || vec![0.0; n_block * VOCAB_BLOCK.min(d_vocab)];
    let (mut clean_logits, mut weights, mut logits) = (block(), block(), block());
    for first_position in (0..targets.len()).step_by(POSITION_BLOCK) {
        let positions = first_position..(first_position + POSITION_BLOCK).min(targets.len());
        let targets = &targets[positions.clone()];
        let block_of = |x: &[f32]| x[positions.start * d_model..positions.end * d_model].to_vec();
        let clean = block_of(clean);
        let changed: Vec<Vec<f32>> = changed.iter().map(|x| block_of(x)).collect();
        let mut clean_scan = Scan::new(targets.len());
        let mut scans: Vec<Scan> = changed.iter().map(|_| Scan::new(targets.len())).collect();
        for first in (0..d_vocab).step_by(VOCAB_BLOCK) {
            let width = VOCAB_BLOCK.min(d_vocab - first);
            let n = targets.len() * width;
            let (clean_logits, weights, logits) = (&mut clean_logits[..n], &mut weights[..n], &mut logits[..n]);
            let columns = first..first + width;
            product((&clean, d_model), w_u, columns.clone(), None, (clean_logits, width));
            let before: Vec<f32> = clean_scan.sums.iter().map(|sum| sum.max).collect();
            clean_scan.add(clean_logits, first, targets);
            let maxima = before.iter().zip(&clean_scan.sums);
            // Infinity minus infinity: before the first block nothing has been summed.
            let rescale: Vec<f64> =
                maxima.map(|(&before, now)| if first == 0 { 0.0 } else { f64::from(before - now.max).exp() }).collect();
            exponentials(&clean_scan.sums, clean_logits, weights, width);
            for (x, scan) in changed.iter().zip(&mut scans) {
                product((x, d_model), w_u, columns.clone(), None, (logits, width));
                scan.add(logits, first, targets);
                add_differences(&mut scan.differences, &rescale, (weights, clean_logits), logits, width);
            }
        }
        for (found, scan) in found.iter_mut().zip(std::iter::once(&clean_scan).chain(&scans)) {
            found.extend(scan.predictions(&clean_scan.sums));
        }
    }
    // The clean prediction from itself: by definition, whatever rounding says; NaN stays.
    found[0].iter_mut().for_each(|prediction| prediction.kl = if prediction.loss.is_nan() { f32::NAN } else { 0.0 });
    found
}

/// Running sums of one prediction at each position of a block.
struct Scan {
    sums: Vec<LogSumExp>,
    /// Greatest logit so far and its token.
    tops: Vec<(f32, u32)>,
    /// Sum over tokens of e^(clean logit - their maximum) times (clean logit - logit).
    differences: Vec<f64>,
}

impl Scan {
    fn new(n_pos: usize) -> Self {
        Self {
            sums: vec![LogSumExp::EMPTY; n_pos],
            tops: vec![(f32::NEG_INFINITY, 0); n_pos],
            differences: vec![0.0; n_pos],
        }
    }

    /// The logits [`n_pos`, width] of the tokens from `first`.
    fn add(&mut self, logits: &[f32], first: usize, targets: &[u32]) {
        let width = logits.len() / targets.len();
        let positions = logits.chunks_exact(width).zip(&mut self.sums).zip(&mut self.tops).zip(targets);
        for (((logits, sum), top), &target) in positions {
            sum.see_target(logits, first, target);
            let max = lane_max(logits);
            if max > top.0 {
                let at = logits.iter().position(|&logit| logit >= max).unwrap_or(0);
                *top = (max, (first + at) as u32);
            }
        }
        add_block(&mut self.sums, logits, width);
    }

    fn predictions<'a>(&'a self, clean: &'a [LogSumExp]) -> impl Iterator<Item = Prediction> + 'a {
        let positions = self.sums.iter().zip(clean).zip(&self.differences).zip(&self.tops);
        positions.map(|(((sum, clean), difference), &(_, top))| Prediction {
            loss: sum.loss(),
            kl: (difference / clean.sum + (sum.log() - clean.log())) as f32,
            top,
        })
    }
}

per_isa! {
    /// e^(logit - maximum) of every logit [n_pos, width].
    fn exponentials(sums: &[LogSumExp], logits: &[f32], weights: &mut [f32], width: usize) {
        for ((logits, weights), sum) in logits.chunks_exact(width).zip(weights.chunks_exact_mut(width)).zip(sums) {
            for i in 0..width {
                weights[i] = exp(logits[i] - sum.max);
            }
        }
    }
}

per_isa! {
    /// Add what a block of the vocabulary says; what was summed before is first rescaled to the new clean maximum.
    fn add_differences(
        differences: &mut [f64],
        rescale: &[f64],
        clean: (&[f32], &[f32]),
        logits: &[f32],
        width: usize,
    ) {
        let (weights, clean) = clean;
        let rows = weights.chunks_exact(width).zip(clean.chunks_exact(width)).zip(logits.chunks_exact(width));
        for (((weights, clean), logits), (difference, rescale)) in rows.zip(differences.iter_mut().zip(rescale)) {
            let mut lanes = [0.0_f32; 16];
            let ((weights, w_rest), (clean, c_rest), (logits, l_rest)) =
                (weights.as_chunks::<16>(), clean.as_chunks::<16>(), logits.as_chunks::<16>());
            for chunk in 0..weights.len() {
                for i in 0..16 {
                    lanes[i] += weights[chunk][i] * (clean[chunk][i] - logits[chunk][i]);
                }
            }
            for i in 0..w_rest.len() {
                lanes[i] += w_rest[i] * (c_rest[i] - l_rest[i]);
            }
            *difference = *difference * rescale + f64::from(lane_total(lanes));
        }
    }
}
