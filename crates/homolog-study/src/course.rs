//! The course of a training, for the family as a whole: one line a checkpoint, from the tables of a run.

#[cfg(test)]
mod tests;

use std::path::Path;

use homolog_results::{AblationRow, EmergenceRow, ModelRow, NeuronRow, PersistenceRow, read_table};

use crate::{Error, StudyConfig};

/// What the study found at each checkpoint, over all models.
#[derive(Clone, Debug, PartialEq)]
pub struct Course {
    /// A neuron is universal if its excess correlation is greater.
    pub threshold: f64,
    /// In the order of training.
    pub checkpoints: Vec<CourseCheckpoint>,
}

/// One checkpoint. Means are over models, and over neurons where these have a correlation; none where nothing is defined.
#[derive(Clone, Debug, PartialEq)]
pub struct CourseCheckpoint {
    /// Training step.
    pub step: Option<i64>,
    /// Mean loss in nats.
    pub loss_nats: Option<f64>,
    /// Mean of `mean_corr`: how well the best match in another model fits.
    pub max_corr: Option<f64>,
    /// Mean of `mean_baseline`: how well the best of as many random directions fits.
    pub baseline: Option<f64>,
    /// Mean of `excess_corr`.
    pub excess_corr: Option<f64>,
    /// Universal neurons of all models.
    pub n_universal: u64,
    /// Smallest and largest share of a model's neurons that is universal.
    pub share: Option<(f64, f64)>,
    /// Of the neurons universal at the previous checkpoint, the share that still is, and the share expected by chance.
    pub persistence: Option<(f64, f64)>,
    /// Rise of the loss without the universal neurons, without as many random ones, and without as many random ones of each
    /// layer, by the first ablation mode, in nats: means over the models that have universal neurons.
    pub damage_nats: Option<[Option<f64>; 3]>,
}

impl Course {
    /// From the tables in `run_dir` of a finished run of this study.
    pub fn read(run_dir: &Path, config: &StudyConfig) -> Result<Self, Error> {
        let path = |name: &str| run_dir.join("tables").join(name).with_extension("parquet");
        Ok(Self::of(
            config,
            &read_table(&path("models"))?,
            &read_table(&path("neurons"))?,
            &read_table(&path("emergence"))?,
            &read_table(&path("persistence"))?,
            &read_table(&path("ablation"))?,
        ))
    }

    fn of(
        config: &StudyConfig,
        models: &[ModelRow],
        neurons: &[NeuronRow],
        emergence: &[EmergenceRow],
        persistence: &[PersistenceRow],
        ablation: &[AblationRow],
    ) -> Self {
        let threshold = config.threshold();
        let checkpoint = |step: Option<i64>| {
            let neurons = || neurons.iter().filter(move |row| row.checkpoint == step);
            let emergence = || {
                emergence
                    .iter()
                    .filter(move |row| row.checkpoint == step && row.layer.is_none() && row.threshold == threshold)
            };
            let persistent = || {
                persistence.iter().filter(move |row| {
                    let is_here = row.to_checkpoint == step && row.is_consecutive;
                    is_here && row.layer.is_none() && row.threshold == threshold
                })
            };
            let n_from: u64 = persistent().map(|row| row.n_from).sum();
            let n_both: u64 = persistent().map(|row| row.n_both).sum();
            let by_chance: f64 = persistent().map(|row| row.expected_by_chance).sum();
            let shares = || emergence().map(|row| row.share);
            CourseCheckpoint {
                step,
                loss_nats: mean(models.iter().filter(|row| row.checkpoint == step).map(|row| row.loss_nats)),
                max_corr: mean(neurons().filter_map(|row| row.mean_corr)),
                baseline: mean(neurons().filter_map(|row| row.mean_baseline)),
                excess_corr: mean(neurons().filter_map(|row| row.excess_corr)),
                n_universal: emergence().map(|row| row.n_universal).sum(),
                share: shares().map(|share| (share, share)).reduce(|(low, high), (a, b)| (low.min(a), high.max(b))),
                persistence: (n_from > 0).then(|| (n_both as f64 / n_from as f64, by_chance / n_from as f64)),
                damage_nats: damage(config, ablation, step),
            }
        };
        Self { threshold, checkpoints: config.steps().into_iter().map(checkpoint).collect() }
    }

    /// A table of the checkpoints.
    pub fn to_markdown(&self) -> String {
        let mut lines = vec![
            format!(
                "| step | loss, nats | best match | random baseline | excess | universal (excess > {}), by model | persist from previous | by chance | loss rises without them, nats | without as many random | random of the same layers |",
                self.threshold
            ),
            "|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|".into(),
        ];
        let number = |value: Option<f64>, digits: usize| value.map_or("-".into(), |value| format!("{value:.digits$}"));
        let percent = |value: Option<f64>| value.map_or("-".into(), |value| format!("{:.1} %", 100.0 * value));
        for row in &self.checkpoints {
            let [universal, random, same_layers] = row.damage_nats.unwrap_or_default();
            let cells = [
                row.step.map_or("-".into(), |step| step.to_string()),
                number(row.loss_nats, 3),
                number(row.max_corr, 3),
                number(row.baseline, 3),
                number(row.excess_corr, 3),
                row.share.map_or("-".into(), |(low, high)| format!("{:.1}-{:.1} %", 100.0 * low, 100.0 * high)),
                percent(row.persistence.map(|(share, _)| share)),
                percent(row.persistence.map(|(_, by_chance)| by_chance)),
                number(universal, 4),
                number(random, 4),
                number(same_layers, 4),
            ];
            lines.push(format!("| {} |", cells.join(" | ")));
        }
        lines.join("\n") + "\n"
    }
}

/// See [`CourseCheckpoint::damage_nats`].
fn damage(config: &StudyConfig, ablation: &[AblationRow], step: Option<i64>) -> Option<[Option<f64>; 3]> {
    let mode = config.ablation.modes.first()?.name();
    let rows = || {
        ablation.iter().filter(move |row| {
            row.checkpoint == step
                && row.mode == mode
                && row.layer.is_none()
                && row.multiple.is_none_or(|times| times == 1)
        })
    };
    let has_universal =
        |model: &str| rows().any(|row| row.set == "universal" && row.model == model && row.n_neurons > 0);
    let of_set = |set: &str| {
        let of_model =
            |name: &str| mean(rows().filter(|row| row.set == set && row.model == name).map(|row| row.delta_loss_nats));
        let models = config.models.iter().filter(|model| has_universal(&model.name));
        mean(models.filter_map(|model| of_model(&model.name)))
    };
    let found = ["universal", "random", "random_layer_matched"].map(of_set);
    found.iter().any(Option::is_some).then_some(found)
}

fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (n, sum) = values.fold((0_u64, 0.0), |(n, sum), value| (n + 1, sum + value));
    (n > 0).then(|| sum / n as f64)
}
