//! In what universal neurons differ from others besides being universal, and how well random sets are matched in it.

use homolog_results::BalanceRow;
use homolog_stats::{Covariates, Moments, standardized_difference};

use super::sets::{NamedSet, RandomKind};

/// What random sets are matched on within layers.
const MATCHED: [&str; 3] = ["log_act_rms", "log_write_norm", "frac_positive"];

/// Covariates of every neuron of a model, by flat number.
pub(crate) struct NeuronCovariates {
    /// In the order of [`MATCHED`]; NaN of a neuron that is always 0 or writes nothing.
    pub(super) covariates: Covariates,
}

impl NeuronCovariates {
    /// From moments over the counted tokens and norms of the output weights.
    pub(crate) fn new(moments: &[Moments], write_norm: &[f64], d_mlp: usize) -> Self {
        let log = |value: f64| if value > 0.0 { value.ln() } else { f64::NAN };
        // Mean of squares = variance + mean^2.
        let log_rms = moments.iter().map(|moments| 0.5 * log(moments.var + moments.mean * moments.mean)).collect();
        let log_norm = write_norm.iter().map(|&norm| log(norm)).collect();
        let frac_positive = moments.iter().map(|moments| moments.frac_positive).collect();
        let stratum = (0..moments.len()).map(|neuron| neuron / d_mlp).collect();
        Self { covariates: Covariates { values: vec![log_rms, log_norm, frac_positive], stratum } }
    }

    /// A row for every covariate of a kind and multiple of random sets, all draws together; what places the rows is left to the caller.
    pub(super) fn balance(
        &self,
        universal: &[usize],
        (kind, multiple): (RandomKind, u32),
        draws: &[NamedSet],
    ) -> Vec<BalanceRow> {
        let controls: Vec<usize> = draws.iter().flat_map(|(_, neurons)| neurons.iter().copied()).collect();
        if universal.is_empty() || controls.is_empty() {
            return Vec::new();
        }
        let layers: Vec<f64> = self.covariates.stratum.iter().map(|&layer| layer as f64).collect();
        let named = MATCHED.into_iter().zip(&self.covariates.values).chain([("layer", &layers)]);
        let row = |(covariate, values): (&str, &Vec<f64>)| {
            let mean = |neurons: &[usize]| neurons.iter().map(|&n| values[n]).sum::<f64>() / neurons.len() as f64;
            let (universal_mean, control_mean) = (mean(universal), mean(&controls));
            // A dead neuron among uniformly random ones has no logarithm: then nothing is said.
            (universal_mean.is_finite() && control_mean.is_finite()).then(|| BalanceRow {
                control: kind.name().to_owned(),
                multiple,
                covariate: covariate.to_owned(),
                universal_mean,
                control_mean,
                standardized_difference: standardized_difference(values, universal, &controls),
                ..BalanceRow::default()
            })
        };
        named.filter_map(row).collect()
    }
}
