//! How fast this machine multiplies, by precision.

use std::time::Instant;

use homolog_model::Precision;
use homolog_stats::{Chunk, CrossCovariance, MomentsAccumulator, gaussian_rows};
use rayon::prelude::*;

use crate::{Error, Progress};

/// Neurons of the two layers, and tokens, of the products that are timed: a chunk of a small model's pair of layers.
const N_NEURONS: usize = 1024;
const N_TOKENS: usize = 2048;
/// Seconds that each precision is timed for.
const SECONDS: f64 = 0.8;

/// Products of a correlation a second on all threads, in floating-point operations: those of f32, whatever a precision makes of
/// them. By precision, in the order of [`Precision::ALL`].
///
/// Errors: interrupted.
pub fn product_speeds(progress: &dyn Progress) -> Result<Vec<(Precision, f64)>, Error> {
    // Values like activations', for units run faster on zeros.
    let activations: Vec<f32> = gaussian_rows(N_NEURONS, 1).into_iter().map(|x| 30.0 * x as f32).collect();
    progress.begin("time products", Precision::ALL.len() as u64, "precisions");
    let speed = |precision| {
        let mut chunk = Chunk::new(N_NEURONS, precision);
        chunk.grow(N_TOKENS).chunks_exact_mut(activations.len()).for_each(|half| half.copy_from_slice(&activations));
        chunk.pack_with_moments(&mut MomentsAccumulator::new(N_NEURONS), 0);
        let n_threads = rayon::current_num_threads();
        let mut totals: Vec<CrossCovariance> =
            (0..n_threads).map(|_| CrossCovariance::new(N_NEURONS, N_NEURONS)).collect();
        let operations = (2 * N_NEURONS * N_NEURONS * N_TOKENS * n_threads) as f64;
        let multiply = || totals.par_iter_mut().for_each(|total| total.add(&chunk, &chunk));
        let speed = rate(SECONDS, operations, progress, multiply)?;
        progress.advance(1);
        Ok((precision, speed))
    };
    let speeds = Precision::ALL.into_iter().map(speed).collect::<Result<_, Error>>()?;
    progress.end();
    Ok(speeds)
}

/// Operations a second of work that is repeated for so many seconds, after once to warm up. Errors: interrupted.
pub(crate) fn rate(
    seconds: f64,
    operations: f64,
    progress: &dyn Progress,
    mut work: impl FnMut(),
) -> Result<f64, Error> {
    work();
    let start = Instant::now();
    let mut times = 0.0;
    while start.elapsed().as_secs_f64() < seconds {
        progress.check()?;
        work();
        times += 1.0;
    }
    Ok(operations * times / start.elapsed().as_secs_f64())
}
