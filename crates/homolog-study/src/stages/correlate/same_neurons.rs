//! Models that are one model at several times: each neuron held against itself.

use std::collections::BTreeMap;
use std::ops::Range;

use homolog_model::{Model, Precision, TokenMask, Tokens};
use homolog_stats::{Marginal, MomentsAccumulator, PairProducts};

use super::stream::{Pass, Streams, Wanted};
use crate::plan::{Chosen, Shape, Stream};
use crate::{Error, Progress};

/// Correlation of every neuron of model a with the neuron of the same number of model b, for each (a, b) of `pairs`, a < b; NaN where it
/// is constant in either. Models are of equal shape. No result depends on which other models and pairs there are.
pub(crate) fn same_neurons(
    (models, shapes): (&[Model], &[Shape]),
    pairs: &[(usize, usize)],
    (tokens, mask): (&Tokens, &TokenMask),
    precision: Precision,
    (batch_rows, name): (usize, &str),
    progress: &dyn Progress,
) -> Result<Vec<Vec<f64>>, Error> {
    let Shape { n_layers, d_mlp, .. } = shapes[0];
    let mut products = BTreeMap::new();
    for &(a, b) in pairs {
        for layer in 0..n_layers {
            let same = (0..d_mlp as u32).map(|neuron| (neuron, neuron)).collect();
            products.insert(((a, layer), (b, layer)), PairProducts::new(same, 1));
        }
    }
    let mut moments = BTreeMap::new();
    let wanted = Wanted { tiles: &[], chosen: &Chosen::new(), products };
    let mut pass = Pass::new(models, shapes, wanted, precision, &mut moments);
    let all: Vec<Range<usize>> = vec![tokens.positions()];
    pass.run(&Streams::new(mask, Vec::new(), all), tokens, batch_rows, name, progress)?;
    let (_, mut products) = pass.into_sums();
    let marginals: BTreeMap<usize, Vec<Vec<Marginal>>> = moments
        .iter()
        .filter(|((_, stream), _)| *stream == Stream::Rows)
        .map(|(&(model, _), layers)| (model, layers.iter().map(MomentsAccumulator::marginals).collect()))
        .collect();
    let n_tokens = mask.n_tokens_counted() as u64;
    let mut of_pair = |&(a, b): &(usize, usize)| {
        let mut corrs = Vec::with_capacity(n_layers * d_mlp);
        for layer in 0..n_layers {
            let sums = products.remove(&((a, layer), (b, layer))).expect("asked for above");
            let found = sums.into_correlations(n_tokens, &marginals[&a][layer], &marginals[&b][layer]);
            corrs.extend(found.into_iter().map(|(_, corr)| corr));
        }
        corrs
    };
    Ok(pairs.iter().map(&mut of_pair).collect())
}
