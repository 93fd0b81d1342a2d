//! How fast each kernel runs here: what a plan's times come from.

use homolog_model::{Checkpoint, HookPoint, Hooks, NoHooks, Start, TokenBatch};
use homolog_stats::{Chunk, CrossCovariance, GroupSums, MomentsAccumulator, PairProducts, haar_rotation, one_to_one};
use rayon::prelude::*;

use crate::config::BaselineKind;
use crate::plan::cost;
use crate::plan::footprint::chunk_rows;
use crate::speed::rate;
use crate::stages::correlate::shape;
use crate::{Error, Options, Progress, StudyConfig};

/// Seconds that each kernel is timed for.
const TIMING_SECONDS: f64 = 1.5;
/// Pairs that a neuron is timed with.
const TIMING_PAIRS: u32 = 2;
/// Tokens of a chunk that products are timed with.
const TIMING_TOKENS: usize = 1024;
/// Neurons of a layer that is matched with another.
const TIMING_MATCHING: usize = 512;
/// Neurons of a rotation that is timed, at most.
const TIMING_NEURONS: usize = 1536;

/// Operations a second of the kernels, with all threads.
pub(super) struct Rates {
    /// In the precision of correlations, as products.
    pub(super) forward: f64,
    /// Of a whole pass with the unembedding.
    pub(super) loss: f64,
    /// With the packing of their chunks.
    pub(super) products: f64,
    pub(super) rotations: f64,
    pub(super) pairs: f64,
    /// Activations into the sums of their groups.
    pub(super) grouped: f64,
    /// Steps of a one-to-one matching, the cube of its neurons.
    pub(super) matching: f64,
}

impl Rates {
    pub(super) fn measure(
        checkpoint: &Checkpoint,
        config: &StudyConfig,
        options: &Options,
        progress: &dyn Progress,
    ) -> Result<Self, Error> {
        progress.begin("time the kernels", 7, "kernels");
        let shape = shape(checkpoint, config);
        let context = config.corpus.context;
        let n_rows = options.batch_rows.min(chunk_rows(context));
        let ids: Vec<u32> = (0..n_rows * context).map(|i| (i * 7919 % shape.d_vocab) as u32).collect();
        let last = HookPoint::mlp_post(shape.n_layers - 1);
        let per_pass = (n_rows * context) as f64 * cost::forward(&shape, context);
        let precision = config.correlation.precision;
        let model = checkpoint.load(precision)?;
        let forward = rate(TIMING_SECONDS, per_pass, progress, || {
            model.forward(TokenBatch { ids: &ids, context }, &mut Until(last));
        })?;
        progress.advance(1);

        let model = match config.ablation.precision {
            other if other == precision => model,
            other => checkpoint.load(other)?,
        };
        let per_loss = (n_rows * context) as f64 * cost::loss(&shape, context);
        let loss = rate(TIMING_SECONDS, per_loss, progress, || {
            let rows = ids.par_chunks_exact(context);
            rows.for_each(|ids| drop(model.loss(TokenBatch { ids, context }, Start::Tokens, &mut NoHooks)));
        })?;
        progress.advance(1);

        let n = shape.d_mlp;
        let n_threads = rayon::current_num_threads();
        let mut moments = MomentsAccumulator::new(n);
        let mut chunks: Vec<Chunk> = (0..n_threads).map(|_| Chunk::new(n, precision)).collect();
        let fill = |chunk: &mut Chunk| {
            chunk.clear();
            // Any values but zeros: the rate of a product depends on none of them.
            let values = chunk.grow(TIMING_TOKENS);
            values.iter_mut().enumerate().for_each(|(i, value)| *value = (i * 7919 % 1009) as f32 / 1009.0 - 0.5);
        };
        fill(&mut chunks[0]);
        chunks[0].pack_with_moments(&mut moments, 0);
        let mut covariances: Vec<CrossCovariance> = (0..n_threads).map(|_| CrossCovariance::new(n, n)).collect();
        let per_product = (2 * n_threads * n * n * TIMING_TOKENS) as f64;
        let products = rate(TIMING_SECONDS, per_product, progress, || {
            chunks.par_iter_mut().zip(&mut covariances).for_each(|(chunk, covariance)| {
                fill(chunk);
                chunk.pack_again(&moments);
                covariance.add(chunk, chunk);
            });
        })?;
        drop(covariances);
        progress.advance(1);

        for chunk in &mut chunks {
            chunk.transpose(&mut Vec::new());
        }
        let some: Vec<(u32, u32)> =
            (0..n as u32).flat_map(|i| (0..TIMING_PAIRS).map(move |k| (i, (i * 769 + k * 331) % n as u32))).collect();
        let mut sums: Vec<PairProducts> = chunks.iter().map(|_| PairProducts::new(some.clone(), 1)).collect();
        let per_pairs = (2 * n_threads * some.len() * TIMING_TOKENS) as f64;
        let pairs = rate(TIMING_SECONDS, per_pairs, progress, || {
            sums.par_iter_mut().zip(&chunks).for_each(|(sums, chunk)| sums.add(chunk, chunk));
        })?;
        progress.advance(1);

        let n = n.min(TIMING_NEURONS);
        let per_rotation = (n_threads * 4 * n * n * n) as f64;
        let rotations = match config.baseline.kind {
            BaselineKind::PermutedRows => f64::INFINITY,
            _ => rate(TIMING_SECONDS, per_rotation, progress, || {
                (0..n_threads).into_par_iter().for_each(|i| drop(haar_rotation(n, i as u64)));
            })?,
        };
        progress.advance(1);

        let n = shape.d_mlp;
        let activations = vec![0.5_f32; TIMING_TOKENS * n];
        let ids: Vec<u32> = (0..TIMING_TOKENS as u32).collect();
        let mut groups: Vec<GroupSums> =
            (0..n_threads).map(|_| GroupSums::new(n, TIMING_TOKENS, TIMING_TOKENS)).collect();
        let per_sums = (n_threads * activations.len()) as f64;
        let grouped = rate(TIMING_SECONDS, per_sums, progress, || {
            groups.par_iter_mut().for_each(|groups| groups.add(&activations, &ids, &ids));
        })?;
        drop(groups);
        progress.advance(1);

        let n = n.min(TIMING_MATCHING);
        let corr: Vec<f64> = (0..n * n).map(|i| (i * 7919 % 10_007) as f64 / 10_007.0).collect();
        let per_matching = n_threads as f64 * (n as f64).powi(3);
        let matching = rate(TIMING_SECONDS, per_matching, progress, || {
            (0..n_threads).into_par_iter().for_each(|_| drop(one_to_one(&corr, n, n)));
        })?;
        progress.advance(1);
        progress.end();
        Ok(Self { forward, loss, products, rotations, pairs, grouped, matching })
    }
}

/// Runs to one point and looks at nothing.
struct Until(HookPoint);

impl Hooks for Until {
    fn wants(&self, point: HookPoint) -> bool {
        point == self.0
    }

    fn at(&mut self, _: HookPoint, _: homolog_model::Activation<'_>) {}
}
