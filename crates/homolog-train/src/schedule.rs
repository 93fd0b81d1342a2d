//! What depends on the step alone: the learning rate, and where checkpoints are kept.

#[cfg(test)]
mod tests;

use crate::config::{CheckpointsSection, TrainingSection};

/// The learning rate of step `step`, 1 to `steps`: rising linearly to its peak over the warm-up, then half a cosine down to the
/// minimum, which the last step has.
///
/// lr(t) = peak t / warmup for t <= warmup, else min + (peak - min) (1 + cos(pi (t - warmup) / (steps - warmup))) / 2.
pub(crate) fn learning_rate(training: &TrainingSection, step: u64) -> f64 {
    let (peak, least) = (training.learning_rate, training.min_learning_rate());
    let warmup = training.warmup_steps();
    if step <= warmup {
        return peak * step as f64 / warmup as f64;
    }
    let share = (step - warmup) as f64 / (training.steps - warmup) as f64;
    least + 0.5 * (peak - least) * (1.0 + (std::f64::consts::PI * share).cos())
}

/// The steps whose weights are kept, ascending: those listed, else step 0 and `count` steps in geometric progression from
/// `steps` / 32 to `steps`, rounded.
pub(crate) fn checkpoints(section: &CheckpointsSection, steps: u64) -> Vec<u64> {
    const SPAN: f64 = 32.0;
    let mut kept = if section.steps.is_empty() {
        let last = section.count.max(2) - 1;
        let spaced = (0..section.count).map(|k| {
            let power = (k as f64 - last as f64) / last as f64;
            (steps as f64 * SPAN.powf(if section.count == 1 { 0.0 } else { power })).round().max(1.0) as u64
        });
        std::iter::once(0).chain(spaced).collect()
    } else {
        section.steps.clone()
    };
    kept.sort_unstable();
    kept.dedup();
    kept
}
