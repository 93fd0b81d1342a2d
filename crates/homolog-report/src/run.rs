//! A finished run folder, read: what figures, report and explorer are made from.
//!
//! Small tables are rows as they are in the file; the two with a row for every neuron are columns by (model, checkpoint), a quarter
//! of the memory. Tensors are read when asked for, by the rows that are wanted. Models stand in the order of the study, checkpoints ascend.

mod matches;
mod neurons;
mod settings;
mod targets;
mod tensors;

use std::path::{Path, PathBuf};

use homolog_results::{
    AblationRow, AttributionRow, BalanceRow, CliqueRow, DamageRow, EmergenceRow, FamilyRow, Manifest, MatchRow,
    ModelRow, NeuronRow, NullRow, PersistenceRow, ScreeningRow, SingleRow, StabilityRow, SurvivalRow, Table,
    VocabularyRow, read_table,
};

pub(crate) use matches::{Matches, NO_NEURON};
pub(crate) use neurons::{Neurons, Shape};
pub(crate) use settings::{Rule, Settings};
pub(crate) use targets::{n_ablation_targets, n_loss_targets};
pub(crate) use tensors::{TokenRows, Windows};

use crate::Error;

/// The tables of every study.
const TABLES: [&str; 8] = [
    ModelRow::NAME,
    NeuronRow::NAME,
    MatchRow::NAME,
    EmergenceRow::NAME,
    PersistenceRow::NAME,
    StabilityRow::NAME,
    AblationRow::NAME,
    DamageRow::NAME,
];

/// A finished run.
///
/// Functions that take `model` and `checkpoint` take places in [`Run::model_names`] and [`Run::checkpoints`].
#[derive(Debug)]
pub struct Run {
    folder: PathBuf,
    names: Vec<String>,
    checkpoints: Vec<Option<i64>>,
    shapes: Vec<Shape>,
    pub(crate) manifest: Manifest,
    pub(crate) settings: Settings,
    pub(crate) models: Vec<ModelRow>,
    pub(crate) emergence: Vec<EmergenceRow>,
    pub(crate) persistence: Vec<PersistenceRow>,
    pub(crate) stability: Vec<StabilityRow>,
    /// Empty where no neuron is born after the first checkpoint.
    pub(crate) survival: Vec<SurvivalRow>,
    pub(crate) ablation: Vec<AblationRow>,
    pub(crate) damage: Vec<DamageRow>,
    /// How like the universal neurons their controls are; empty without ablations.
    pub(crate) balance: Vec<BalanceRow>,
    /// Neurons ablated one by one; empty where attributions are off.
    pub(crate) singles: Vec<SingleRow>,
    /// What these add up to; empty as `singles`.
    pub(crate) attribution: Vec<AttributionRow>,
    /// What the study says of its models together.
    pub(crate) family: Vec<FamilyRow>,
    /// Empty where no set of neurons agrees all round.
    pub(crate) cliques: Vec<CliqueRow>,
    /// What correlations reach by chance.
    pub(crate) nulls: Vec<NullRow>,
    /// None of an exact search.
    pub(crate) screening: Vec<ScreeningRow>,
    /// By token id; none where the study had no tokenizer.
    pub(crate) vocabulary: Option<Vec<VocabularyRow>>,
    /// [model, checkpoint]
    neurons: Vec<Neurons>,
    /// [model, other, checkpoint]; empty columns where model is other.
    matches: Vec<Matches>,
}

impl Run {
    /// Reads the finished run in `folder`.
    ///
    /// Memory: 161 bytes a neuron, and 39 a neuron and other model, for each checkpoint (test `columns_take_what_is_said`): 292 MB at the
    /// paper's size of 5 models of 36,864 neurons at 5 checkpoints.
    /// Errors: no run or an unfinished one; a table that lacks, cannot be read, or disagrees with the manifest.
    pub fn open(folder: &Path) -> Result<Self, Error> {
        let manifest = Manifest::read(folder)?.ok_or_else(|| Error::NotARun { folder: folder.to_owned() })?;
        if !manifest.is_finished {
            return Err(Error::Unfinished { folder: folder.to_owned() });
        }
        if let Some(&table) = TABLES.iter().find(|&&table| !is_listed(&manifest, table)) {
            return Err(Error::MissingTable { folder: folder.to_owned(), table });
        }
        let settings = Settings::read(folder)?;
        let mut names: Vec<String> = Vec::new();
        let mut checkpoints: Vec<Option<i64>> = Vec::new();
        for weights in &manifest.inputs.weights {
            if !names.contains(&weights.model) {
                names.push(weights.model.clone());
            }
            if !checkpoints.contains(&weights.checkpoint) {
                checkpoints.push(weights.checkpoint);
            }
        }
        checkpoints.sort_unstable();
        let (neurons, shapes) = neurons::read(&table_path::<NeuronRow>(folder), &names, &checkpoints)?;
        let matches = matches::read(&table_path::<MatchRow>(folder), &names, &checkpoints, &shapes)?;
        Ok(Self {
            models: read_rows(folder)?,
            emergence: read_rows(folder)?,
            persistence: read_rows(folder)?,
            stability: read_rows(folder)?,
            survival: read_rows_if_listed(folder, &manifest)?.unwrap_or_default(),
            ablation: read_rows(folder)?,
            damage: read_rows(folder)?,
            balance: read_rows_if_listed(folder, &manifest)?.unwrap_or_default(),
            singles: read_rows_if_listed(folder, &manifest)?.unwrap_or_default(),
            attribution: read_rows_if_listed(folder, &manifest)?.unwrap_or_default(),
            family: read_rows_if_listed(folder, &manifest)?.unwrap_or_default(),
            cliques: read_rows_if_listed(folder, &manifest)?.unwrap_or_default(),
            nulls: read_rows_if_listed(folder, &manifest)?.unwrap_or_default(),
            screening: read_rows_if_listed(folder, &manifest)?.unwrap_or_default(),
            vocabulary: read_rows_if_listed(folder, &manifest)?,
            folder: folder.to_owned(),
            names,
            checkpoints,
            shapes,
            manifest,
            settings,
            neurons,
            matches,
        })
    }

    /// The run folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Names of the models, in the order of the study.
    pub fn model_names(&self) -> &[String] {
        &self.names
    }

    /// Training steps, ascending; one `None` for a study that names none.
    pub fn checkpoints(&self) -> &[Option<i64>] {
        &self.checkpoints
    }

    /// Place of the last checkpoint.
    pub(crate) fn last_checkpoint(&self) -> usize {
        self.checkpoints.len() - 1
    }

    /// Layers and neurons a layer of a model.
    pub(crate) fn shape(&self, model: usize) -> Shape {
        self.shapes[model]
    }

    /// A neuron is universal if it passes this by the study's rule: of the excess rule, if its excess correlation is greater.
    pub fn threshold(&self) -> f64 {
        self.settings.threshold
    }

    /// Every neuron of one model at one checkpoint.
    pub(crate) fn neurons(&self, model: usize, checkpoint: usize) -> &Neurons {
        &self.neurons[model * self.checkpoints.len() + checkpoint]
    }

    /// The matches of every neuron of `model` in `other`.
    ///
    /// Panics: if the two are the same.
    pub(crate) fn matches(&self, model: usize, other: usize, checkpoint: usize) -> &Matches {
        assert_ne!(model, other, "a model is not matched with itself");
        &self.matches[matches::place(self.names.len(), self.checkpoints.len(), model, other, checkpoint)]
    }

    /// All models but this one.
    pub(crate) fn others(&self, model: usize) -> impl Iterator<Item = usize> + use<> {
        (0..self.names.len()).filter(move |&other| other != model)
    }
}

/// A checkpoint in words.
pub(crate) fn checkpoint_words(checkpoint: Option<i64>) -> String {
    checkpoint.map_or("the only checkpoint".to_owned(), |step| format!("step {step}"))
}

fn is_listed(manifest: &Manifest, table: &str) -> bool {
    manifest.tables.iter().any(|listed| listed.name == table)
}

fn table_path<T: Table>(folder: &Path) -> PathBuf {
    folder.join("tables").join(T::NAME).with_extension("parquet")
}

fn read_rows<T: Table>(folder: &Path) -> Result<Vec<T>, Error> {
    Ok(read_table(&table_path::<T>(folder))?)
}

/// For tables that not every study has. A file that the manifest does not list is another call's, which was stopped.
fn read_rows_if_listed<T: Table>(folder: &Path, manifest: &Manifest) -> Result<Option<Vec<T>>, Error> {
    is_listed(manifest, T::NAME).then(|| read_rows(folder)).transpose()
}

#[cfg(test)]
mod tests;
