//! What one set of neurons does, row by row: the unit over which everything of an ablation is resampled.

#[cfg(test)]
mod tests;

use homolog_model::Prediction;

/// Sums over the predictions of one row.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct RowOutcome {
    /// Cross-entropy, in nats.
    loss: f64,
    /// That of the prediction at the first position alone.
    loss_first: f64,
    /// Divergence from the clean predictions, in nats.
    kl: f64,
    /// Predictions whose first choice is the clean model's.
    n_same_top: f64,
}

impl RowOutcome {
    pub(super) fn of(predictions: &[Prediction], clean: &[Prediction]) -> Self {
        Self {
            loss: predictions.iter().map(|found| f64::from(found.loss)).sum(),
            loss_first: predictions.first().map_or(0.0, |found| f64::from(found.loss)),
            kl: predictions.iter().map(|found| f64::from(found.kl)).sum(),
            n_same_top: predictions.iter().zip(clean).filter(|(found, clean)| found.top == clean.top).count() as f64,
        }
    }
}

/// What a set does over all rows, [row] each: sums over the predictions of a row.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Outcome {
    /// Predictions of a row.
    pub(crate) n_targets: usize,
    pub(crate) loss: Vec<f64>,
    pub(crate) loss_first: Vec<f64>,
    pub(crate) kl: Vec<f64>,
    pub(crate) n_same_top: Vec<f64>,
}

/// Names of the arrays in an artifact.
pub(super) const COLUMNS: [&str; 4] = ["loss", "loss_first", "kl", "n_same_top"];

impl Outcome {
    pub(super) fn of_rows(rows: impl Iterator<Item = RowOutcome>, n_targets: usize) -> Self {
        let mut outcome = Self { n_targets, loss: vec![], loss_first: vec![], kl: vec![], n_same_top: vec![] };
        for row in rows {
            outcome.loss.push(row.loss);
            outcome.loss_first.push(row.loss_first);
            outcome.kl.push(row.kl);
            outcome.n_same_top.push(row.n_same_top);
        }
        outcome
    }

    pub(super) fn from_columns(n_targets: usize, [loss, loss_first, kl, n_same_top]: [Vec<f64>; 4]) -> Self {
        Self { n_targets, loss, loss_first, kl, n_same_top }
    }

    /// In the order of [`COLUMNS`].
    pub(super) fn columns(&self) -> [&[f64]; 4] {
        [&self.loss, &self.loss_first, &self.kl, &self.n_same_top]
    }

    pub(crate) fn n_rows(&self) -> usize {
        self.loss.len()
    }

    /// Mean over all predictions of a column.
    fn mean(&self, column: &[f64]) -> f64 {
        column.iter().sum::<f64>() / (self.n_rows() * self.n_targets) as f64
    }

    /// Mean cross-entropy, in nats.
    pub(crate) fn loss_nats(&self) -> f64 {
        self.mean(&self.loss)
    }

    /// Mean divergence from the clean predictions, in nats.
    pub(crate) fn kl_nats(&self) -> f64 {
        self.mean(&self.kl)
    }

    /// Share of the predictions whose first choice is the clean model's.
    pub(crate) fn top1_agreement(&self) -> f64 {
        self.mean(&self.n_same_top)
    }

    /// Rise of each row's mean loss over `clean`, in nats: their mean is the rise of the loss, since rows are equally long.
    pub(crate) fn rises(&self, clean: &Self) -> Vec<f64> {
        let rise = |(loss, clean): (&f64, &f64)| (loss - clean) / self.n_targets as f64;
        self.loss.iter().zip(&clean.loss).map(rise).collect()
    }

    /// Rise of the mean loss of the predictions at the first position, and of all others; the latter none where there are none.
    pub(crate) fn split_rise(&self, clean: &Self) -> (f64, Option<f64>) {
        let n_rows = self.n_rows() as f64;
        let first: f64 = self.loss_first.iter().zip(&clean.loss_first).map(|(loss, clean)| loss - clean).sum();
        let whole: f64 = self.loss.iter().zip(&clean.loss).map(|(loss, clean)| loss - clean).sum();
        let n_rest = self.n_targets.saturating_sub(1);
        (first / n_rows, (n_rest > 0).then(|| (whole - first) / (n_rows * n_rest as f64)))
    }
}
