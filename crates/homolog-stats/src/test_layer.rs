//! A layer's activations for tests: streamed into the estimators, and column by column in float64.

use homolog_test::Seeded;

use crate::{
    ChosenNeurons, Chunk, Correlation, CrossCovariance, Marginal, MomentsAccumulator, PairProducts, Precision,
};

/// Activations [`n_tokens`, n].
#[derive(Clone)]
pub(crate) struct TestLayer {
    pub(crate) n: usize,
    pub(crate) values: Vec<f32>,
}

impl TestLayer {
    /// Neuron j follows latent series j mod 4 of `latent_seed` more or less, with either sign, so that the correlations of two
    /// layers with the same latents fill [-1, 1]. Scales differ; the mean is `mean_over_sd` standard deviations.
    pub(crate) fn new(latent_seed: u64, rng_seed: u64, (n_tokens, n): (usize, usize), mean_over_sd: f64) -> Self {
        let mut seeded = Seeded::new(latent_seed);
        let latents: Vec<f64> = (0..4 * n_tokens).map(|_| seeded.gaussian()).collect();
        let mut seeded = Seeded::new(rng_seed);
        // Dense at the ends of [-1, 1].
        let loadings: Vec<f64> = (0..n).map(|_| (std::f64::consts::PI * seeded.uniform()).cos()).collect();
        let mut activation = |token: usize, j: usize| {
            let unique = (1.0 - loadings[j] * loadings[j]).sqrt() * seeded.gaussian();
            let scale = 0.1 * (1 + j % 7) as f64;
            (scale * (mean_over_sd + loadings[j] * latents[4 * token + j % 4] + unique)) as f32
        };
        let values = (0..n_tokens * n).map(|at| activation(at / n, at % n)).collect();
        Self { n, values }
    }

    /// Every activation through a function.
    pub(crate) fn map(mut self, f: impl Fn(f32) -> f32) -> Self {
        self.values.iter_mut().for_each(|x| *x = f(*x));
        self
    }

    /// Neuron j at one value throughout.
    pub(crate) fn with_constant(mut self, j: usize, value: f32) -> Self {
        let n = self.n;
        self.values.iter_mut().skip(j).step_by(n).for_each(|x| *x = value);
        self
    }

    pub(crate) fn n_tokens(&self) -> usize {
        self.values.len() / self.n
    }

    /// One neuron's activations.
    pub(crate) fn column(&self, j: usize) -> Vec<f64> {
        self.values.iter().skip(j).step_by(self.n).map(|&x| f64::from(x)).collect()
    }

    /// Moments of the layer, and its chunks of at most `chunk_tokens` centred and packed. One buffer serves all chunks.
    fn stream(
        &self,
        precision: Precision,
        chunk_tokens: usize,
        mut each: impl FnMut(usize, &Chunk),
    ) -> MomentsAccumulator {
        let mut moments = MomentsAccumulator::new(self.n);
        let mut chunk = Chunk::new(self.n, precision);
        for (at, values) in self.values.chunks(chunk_tokens * self.n).enumerate() {
            chunk.clear();
            chunk.grow(values.len() / self.n).copy_from_slice(values);
            chunk.pack_with_moments(&mut moments, 0);
            each(at, &chunk);
        }
        moments
    }

    /// Moments, streamed in chunks.
    pub(crate) fn moments(&self, chunk_tokens: usize) -> MomentsAccumulator {
        self.stream(Precision::F32, chunk_tokens, |_, _| ())
    }

    /// Correlations of some pairs of neurons, in ascending order, streamed in chunks.
    pub(crate) fn pair_correlations(&self, other: &Self, pairs: &[(u32, u32)], chunk_tokens: usize) -> Vec<f64> {
        let mut products = PairProducts::new(pairs.to_vec(), 1);
        let [a, b] = self.stream_transposed(other, chunk_tokens, |a, b| products.add(a, b));
        let correlations = products.into_correlations(a.n_tokens(), &a.marginals(), &b.marginals());
        assert!(correlations.iter().map(|(pair, _)| pair).eq(pairs), "in the order of the pairs");
        correlations.into_iter().map(|(_, corr)| corr).collect()
    }

    /// Correlation of some neurons, by index, with all of another layer, streamed in chunks.
    pub(crate) fn chosen_correlation(&self, other: &Self, neurons: &[u32], chunk_tokens: usize) -> Correlation {
        let mut sums = CrossCovariance::new(neurons.len(), other.n);
        let mut chosen = ChosenNeurons::new(Precision::F32);
        let [a, b] = self.stream_transposed(other, chunk_tokens, |a, b| {
            chosen.set(a, neurons);
            sums.add_chosen(&chosen, b);
        });
        let of_a = a.marginals();
        let of_a: Vec<Marginal> = neurons.iter().map(|&neuron| of_a[neuron as usize]).collect();
        sums.into_correlation(a.n_tokens(), &of_a, &b.marginals())
    }

    /// Chunks of both layers, packed and transposed.
    fn stream_transposed(
        &self,
        other: &Self,
        chunk_tokens: usize,
        mut each: impl FnMut(&Chunk, &Chunk),
    ) -> [MomentsAccumulator; 2] {
        let mut scratch = Vec::new();
        let mut moments = [self, other].map(|layer| MomentsAccumulator::new(layer.n));
        let mut chunks = [self, other].map(|layer| Chunk::new(layer.n, Precision::F32));
        let n_chunks = self.n_tokens().div_ceil(chunk_tokens);
        for at in 0..n_chunks {
            for ((layer, chunk), moments) in [self, other].into_iter().zip(&mut chunks).zip(&mut moments) {
                let values =
                    layer.values.chunks(chunk_tokens * layer.n).nth(at).expect("the same tokens on both sides");
                chunk.clear();
                chunk.grow(values.len() / layer.n).copy_from_slice(values);
                chunk.pack_with_moments(moments, 0);
                chunk.transpose(&mut scratch);
            }
            each(&chunks[0], &chunks[1]);
        }
        moments
    }

    fn products(
        &self,
        other: &Self,
        precision: Precision,
        chunk_tokens: usize,
    ) -> (CrossCovariance, MomentsAccumulator, MomentsAccumulator) {
        let (a, b) = (self.moments(chunk_tokens), other.moments(chunk_tokens));
        let mut sums = CrossCovariance::new(self.n, other.n);
        let mut chunk = Chunk::new(other.n, precision);
        self.stream(precision, chunk_tokens, |at, of_a| {
            let values = other.values.chunks(chunk_tokens * other.n).nth(at).expect("the same tokens on both sides");
            chunk.clear();
            chunk.grow(values.len() / other.n).copy_from_slice(values);
            chunk.pack_again(&b);
            sums.add(of_a, &chunk);
        });
        (sums, a, b)
    }

    /// Correlation of every neuron with every neuron of another layer, streamed in chunks.
    pub(crate) fn correlation(&self, other: &Self, chunk_tokens: usize) -> Correlation {
        self.correlation_in(Precision::F32, other, chunk_tokens)
    }

    /// The same from products of a precision.
    pub(crate) fn correlation_in(&self, precision: Precision, other: &Self, chunk_tokens: usize) -> Correlation {
        let (sums, a, b) = self.products(other, precision, chunk_tokens);
        sums.into_correlation(a.n_tokens(), &a.marginals(), &b.marginals())
    }

    /// Covariance of the layer's neurons, [n, n], streamed in chunks.
    pub(crate) fn covariance(&self, chunk_tokens: usize) -> Vec<f64> {
        let (sums, a, b) = self.products(self, Precision::F32, chunk_tokens);
        sums.into_covariance(a.n_tokens(), &a.marginals(), &b.marginals())
    }
}
