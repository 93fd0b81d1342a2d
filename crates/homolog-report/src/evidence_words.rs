//! The evidence behind a run's intervals, in words, by what its table `models` says; none where a run lacks it.

use crate::Run;
use crate::numbers::count;

/// What was left out in turn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Blocks<'a> {
    /// Blocks.
    pub(crate) n: u64,
    /// `documents` or `rows`.
    pub(crate) of: &'a str,
}

/// The blocks of all intervals: every model and checkpoint reads the same rows.
pub(crate) fn blocks(run: &Run) -> Option<Blocks<'_>> {
    run.models.iter().find_map(|row| Some(Blocks { n: row.n_blocks?, of: row.blocks_of.as_deref()? }))
}

/// `95 %`
pub(crate) fn level(run: &Run) -> String {
    // Of 0.95 the product is not quite 95.
    format!("{} %", (1e4 * run.settings.level).round() / 100.0)
}

/// `95 % interval over 64 blocks of rows`; none without evidence.
pub(crate) fn interval(run: &Run) -> Option<String> {
    let blocks = blocks(run)?;
    Some(format!("{} interval over {} blocks of {}", level(run), count(blocks.n), blocks.of))
}

/// An interval of a share, cut where shares end: `2.6 to 4.6 %`.
pub(crate) fn share_interval(low: f64, high: f64) -> String {
    let [low, high] = within([low, high]);
    format!("{:.1} to {:.1} %", 100.0 * low, 100.0 * high)
}

/// Ends of an interval of a share, cut where shares end.
pub(crate) fn within(ends: [f64; 2]) -> [f64; 2] {
    ends.map(|end| end.clamp(0.0, 1.0))
}

/// Whether neurons of any model and checkpoint have p-values.
pub(crate) fn has_p_values(run: &Run) -> bool {
    places(run).any(|(model, checkpoint)| run.neurons(model, checkpoint).p_value.iter().any(|p| !p.is_nan()))
}

/// Whether neurons of any model and checkpoint have correlations that the other half chose.
pub(crate) fn is_cross_fitted(run: &Run) -> bool {
    places(run)
        .any(|(model, checkpoint)| run.neurons(model, checkpoint).cross_fitted_corr.iter().any(|corr| !corr.is_nan()))
}

/// Layers (of a model at a checkpoint) with p-values, and those among them whose neurons have their own draws only.
pub(crate) fn layers_with_own_draws(run: &Run) -> (usize, usize) {
    let layers = run.nulls.iter().filter(|row| row.null == "rotation" && row.other.is_none());
    let is_pooled: Vec<bool> = layers.filter_map(|row| row.is_pooled).collect();
    (is_pooled.len(), is_pooled.iter().filter(|&&is_pooled| !is_pooled).count())
}

/// That p-values are coarse where neurons have their own draws only, as a sentence behind others; empty where none have.
pub(crate) fn own_draws(run: &Run) -> String {
    let (n, n_own) = layers_with_own_draws(run);
    if n_own == 0 {
        return String::new();
    }
    let least = run.settings.baseline_draws + 1;
    format!(
        " In {n_own} of {n} layers (over models and checkpoints) neurons are too unlike to share one null and have their own draws only: \
         p-values there are multiples of 1/{least}, too coarse for discoveries."
    )
}

/// Every model and checkpoint.
fn places(run: &Run) -> impl Iterator<Item = (usize, usize)> {
    let n_checkpoints = run.checkpoints().len();
    (0..run.model_names().len()).flat_map(move |model| (0..n_checkpoints).map(move |checkpoint| (model, checkpoint)))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::test_run::{self, Options};

    #[test]
    fn intervals_say_what_they_are_over_and_end_where_shares_do() {
        let folder = tempfile::tempdir().unwrap();
        let mut run = test_run::open(folder.path(), &Options::default());
        assert_eq!(interval(&run).as_deref(), Some("95 % interval over 64 blocks of rows"));
        run.settings.level = 0.999;
        assert_eq!(level(&run), "99.9 %");
        assert_eq!(share_interval(-0.003, 0.0079), "0.0 to 0.8 %");
        run.models.iter_mut().for_each(|row| (row.n_blocks, row.blocks_of) = (None, None));
        assert_eq!(interval(&run), None);
    }
}
