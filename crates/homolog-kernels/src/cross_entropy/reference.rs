//! Float64 twins of the loss and of its gradient.
#![cfg(test)]

/// x [n_pos, d_model] W_U [d_model, d_vocab].
pub(super) fn logits(x: &[f64], w_u: &[f64], d_model: usize) -> Vec<f64> {
    let d_vocab = w_u.len() / d_model;
    let logit = |x: &[f64], v: usize| (0..d_model).map(|i| x[i] * w_u[i * d_vocab + v]).sum();
    x.chunks_exact(d_model).flat_map(|x| (0..d_vocab).map(move |v| logit(x, v))).collect()
}

/// d_vocab of some logits; 1 where there are no positions, whose chunks are none either.
fn width(logits: &[f64], targets: &[u32]) -> usize {
    logits.len().checked_div(targets.len()).unwrap_or(1)
}

/// log(sum of e^logit) of one position.
fn log_sum(logits: &[f64]) -> f64 {
    let max = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    max + logits.iter().map(|l| (l - max).exp()).sum::<f64>().ln()
}

pub(super) fn loss(logits: &[f64], targets: &[u32]) -> Vec<f64> {
    let positions = logits.chunks_exact(width(logits, targets)).zip(targets);
    positions.map(|(logits, &target)| log_sum(logits) - logits[target as usize]).collect()
}

/// The gradient of scale times the sum of [`loss`].
pub(super) fn backward(logits: &[f64], targets: &[u32], scale: f64) -> Vec<f64> {
    let mut d_logits = Vec::with_capacity(logits.len());
    for (logits, &target) in logits.chunks_exact(width(logits, targets)).zip(targets) {
        let log_sum = log_sum(logits);
        for (v, logit) in logits.iter().enumerate() {
            let onehot = if v == target as usize { 1.0 } else { 0.0 };
            d_logits.push(scale * ((logit - log_sum).exp() - onehot));
        }
    }
    d_logits
}
