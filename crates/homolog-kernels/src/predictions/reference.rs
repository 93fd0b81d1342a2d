//! Float64 twin: log-softmax, divergence and first choice from whole rows of logits.

/// log of the softmax of one position's logits.
fn log_softmax(logits: &[f64]) -> Vec<f64> {
    let max = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let log_sum = max + logits.iter().map(|l| (l - max).exp()).sum::<f64>().ln();
    logits.iter().map(|l| l - log_sum).collect()
}

/// (loss, kl, top) of one position.
pub(super) fn prediction(clean: &[f64], logits: &[f64], target: u32) -> (f64, f64, u32) {
    let (p, q) = (log_softmax(clean), log_softmax(logits));
    let kl = p.iter().zip(&q).map(|(p, q)| p.exp() * (p - q)).sum();
    let top = (0..logits.len()).fold(0, |top, v| if logits[v] > logits[top] { v } else { top });
    (-q[target as usize], kl, top as u32)
}
