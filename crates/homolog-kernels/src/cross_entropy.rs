//! Unembedding and next-token cross-entropy in one: going forward no [`n_pos`, `d_vocab`] array exists.

mod reference;
#[cfg(test)]
mod tests;

use crate::elementwise::{exp, lane_max, lane_sum, per_isa};
use crate::product::{Packed, product};

/// Logits computed at a time: a block of positions by a block of the vocabulary, small enough to stay in L2.
pub(crate) const POSITION_BLOCK: usize = 192;
pub(crate) const VOCAB_BLOCK: usize = 256;

/// loss[t] = log(sum over v of e^logit(t, v)) - logit(t, target(t)), in nats; logits = x `W_U`.
///
/// Shapes: `x` [`n_pos`, `d_model`] after the final layer norm; `w_u` [`d_model`, `d_vocab`]; `targets`, `loss` [`n_pos`].
/// Precision: logits f32, sums over the vocabulary f64 over blocks of 256; within 2e-6 of f64 for losses up to 20 nats
/// (test `agrees_with_float64`). A NaN logit gives a NaN loss.
/// Panics: if a shape does not fit or a target is outside the vocabulary (checked when tokens are read).
pub fn cross_entropy(x: &[f32], w_u: &Packed, targets: &[u32], loss: &mut [f32]) {
    let (d_model, d_vocab) = (w_u.n_rows(), w_u.n_columns());
    assert!(x.len() == targets.len() * d_model && loss.len() == targets.len(), "cross_entropy shapes");
    assert!(targets.iter().all(|&target| (target as usize) < d_vocab), "targets within the vocabulary");
    let mut logits = vec![0.0; POSITION_BLOCK.min(targets.len()) * VOCAB_BLOCK.min(d_vocab)];
    let blocks =
        x.chunks(POSITION_BLOCK * d_model).zip(targets.chunks(POSITION_BLOCK)).zip(loss.chunks_mut(POSITION_BLOCK));
    for ((x, targets), loss) in blocks {
        let mut sums = vec![LogSumExp::EMPTY; targets.len()];
        for first in (0..d_vocab).step_by(VOCAB_BLOCK) {
            let width = VOCAB_BLOCK.min(d_vocab - first);
            let logits = &mut logits[..targets.len() * width];
            product((x, d_model), w_u, first..first + width, None, (logits, width));
            for ((logits, sum), &target) in logits.chunks_exact(width).zip(&mut sums).zip(targets) {
                sum.see_target(logits, first, target);
            }
            add_block(&mut sums, logits, width);
        }
        for (loss, sum) in loss.iter_mut().zip(&sums) {
            *loss = sum.loss();
        }
    }
}

/// The loss of [`cross_entropy`] and its gradient: `d_logits` = scale (softmax(logits) - onehot(target)).
///
/// Shapes: as [`cross_entropy`]; `d_logits` [`n_pos`, `d_vocab`], overwritten, holds the logits in between: the caller bounds
/// `n_pos`. A NaN logit gives a NaN loss and a row of NaN.
/// Precision: the loss as [`cross_entropy`]; a probability's relative error is that of its e^logit, 5e-6 for logits up to 30
/// (test `backward_agrees_with_float64`).
/// Panics: as [`cross_entropy`].
pub fn cross_entropy_backward(
    x: &[f32],
    w_u: &Packed,
    targets: &[u32],
    scale: f32,
    loss: &mut [f32],
    d_logits: &mut [f32],
) {
    let (d_model, d_vocab) = (w_u.n_rows(), w_u.n_columns());
    assert!(x.len() == targets.len() * d_model && loss.len() == targets.len(), "cross_entropy_backward shapes");
    assert_eq!(d_logits.len(), targets.len() * d_vocab, "cross_entropy_backward shapes");
    assert!(targets.iter().all(|&target| (target as usize) < d_vocab), "targets within the vocabulary");
    product((x, d_model), w_u, 0..d_vocab, None, (d_logits, d_vocab));
    softmax_backward(targets, scale, loss, d_logits);
}

per_isa! {
    fn softmax_backward(targets: &[u32], scale: f32, loss: &mut [f32], logits: &mut [f32]) {
        let d_vocab = logits.len().checked_div(targets.len()).unwrap_or(1);
        for ((logits, loss), &target) in logits.chunks_exact_mut(d_vocab).zip(loss).zip(targets) {
            let target = target as usize;
            let max = lane_max(logits);
            let target_logit = logits[target];
            let mut sum = 0.0_f64;
            for block in logits.chunks_mut(VOCAB_BLOCK) {
                for logit in block.iter_mut() {
                    *logit = exp(*logit - max);
                }
                sum += f64::from(lane_sum(block, |e| e));
            }
            *loss = (sum.ln() + f64::from(max) - f64::from(target_logit)) as f32;
            let factor = (f64::from(scale) / sum) as f32;
            for e in logits.iter_mut() {
                *e *= factor;
            }
            logits[target] -= scale;
        }
    }
}

/// A running sum of e^(logit - max), and the target's logit.
#[derive(Clone)]
pub(crate) struct LogSumExp {
    pub(crate) max: f32,
    pub(crate) sum: f64,
    target: f32,
}

impl LogSumExp {
    /// Of no logit yet.
    pub(crate) const EMPTY: Self = Self { max: f32::NEG_INFINITY, sum: 0.0, target: 0.0 };

    /// Keep the target's logit if it is among `logits`, which begin with that of token `first`.
    pub(crate) fn see_target(&mut self, logits: &[f32], first: usize, target: u32) {
        if let Some(&logit) = (target as usize).checked_sub(first).and_then(|i| logits.get(i)) {
            self.target = logit;
        }
    }

    /// log of the sum of e^logit.
    pub(crate) fn log(&self) -> f64 {
        self.sum.ln() + f64::from(self.max)
    }

    /// Cross-entropy of the target, in nats.
    pub(crate) fn loss(&self) -> f32 {
        (self.log() - f64::from(self.target)) as f32
    }
}

per_isa! {
    pub(crate) fn add_block(sums: &mut [LogSumExp], logits: &[f32], width: usize) {
        for (logits, total) in logits.chunks_exact(width).zip(sums) {
            let block_max = lane_max(logits);
            let max = if block_max > total.max || block_max.is_nan() { block_max } else { total.max };
            // On the first block the old sum is 0, whatever it is multiplied by; keep infinity minus infinity out of it.
            let old = if total.sum == 0.0 { 0.0 } else { total.sum * f64::from(total.max - max).exp() };
            total.sum = old + f64::from(lane_sum(logits, |logit| exp(logit - max)));
            total.max = max;
        }
    }
}
