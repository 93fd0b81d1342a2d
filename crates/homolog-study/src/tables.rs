//! Everything a study puts into its tables and tensors, gathered over checkpoints.

use std::path::Path;

use homolog_results::{
    AblationRow, AttributionRow, BalanceRow, CliqueRow, ContinuityRow, DamageRow, EmergenceRow, FamilyRow, FileRecord,
    MatchRow, ModelRow, NeuronRow, NullRow, ScreeningRow, SingleRow, Table, TableRecord, TensorData, VocabularyRow,
    file_hash, sort_rows, write_table, write_tensors,
};
use homolog_stats::HISTOGRAM_BINS;

use crate::continuity_table::Continuity;
use crate::damage::Damage;
use crate::inputs::Inputs;
use crate::matches_table::{self, StepArtifacts};
use crate::results::CheckpointCorrelation;
use crate::stages::ablate::Ablated;
use crate::stages::evidence::Evidence;
use crate::stages::persist::Lasting;
use crate::stages::windows;
use crate::{Error, StudyConfig};

/// Best matches of every neuron, relative to the run folder.
const TOP_K_FILE: &str = "tensors/topk.safetensors";
/// Histograms of every neuron's correlations.
const HISTOGRAMS_FILE: &str = "tensors/histograms.safetensors";

/// Rows of the tables but `matches`, which is made from artifacts; tensors, and remarks.
#[derive(Default)]
pub(crate) struct Tables {
    pub(crate) models: Vec<ModelRow>,
    pub(crate) neurons: Vec<NeuronRow>,
    pub(crate) emergence: Vec<EmergenceRow>,
    pub(crate) lasting: Lasting,
    /// What table `continuity` is made from; none where neurons are not followed.
    pub(crate) continuity: Option<Continuity>,
    pub(crate) ablation: Vec<AblationRow>,
    pub(crate) damage: Vec<DamageRow>,
    pub(crate) family: Vec<FamilyRow>,
    pub(crate) balance: Vec<BalanceRow>,
    /// None where attributions are off.
    pub(crate) singles: Vec<SingleRow>,
    pub(crate) attribution: Vec<AttributionRow>,
    /// None where no neurons agree all round.
    pub(crate) cliques: Vec<CliqueRow>,
    pub(crate) nulls: Vec<NullRow>,
    /// What table `matches` is made from.
    pub(crate) steps: Vec<StepArtifacts>,
    /// None of an exact search.
    pub(crate) screening: Vec<ScreeningRow>,
    /// None where the study's tokenizer files are not known.
    pub(crate) vocabulary: Vec<VocabularyRow>,
    /// What is kept of neurons' most active text; none where the study asks for none.
    pub(crate) windows: Vec<windows::Kept>,
    pub(crate) notes: Vec<String>,
    pub(crate) n_undefined_pairs: u64,
    top_k: Vec<(String, TensorData)>,
    histograms: Vec<(String, TensorData)>,
}

impl Tables {
    /// Keep the best matches and histograms of one step.
    ///
    /// Tensors are named `MODEL+OTHER.WHAT`, with `STEP/` before it when the study names checkpoints. `corr` and `neuron`
    /// [n, top_k] are descending correlations (f32) and flat neuron numbers of the other model, NaN and 4294967295 where fewer are
    /// defined; `se` [n, candidates] are standard errors of the first of them (f32), NaN where undefined, where the study asks for evidence;
    /// `counts` [n, 40] are correlations by bin of width 0.05 over [-1, 1].
    pub(crate) fn add_correlation(
        &mut self,
        config: &StudyConfig,
        inputs: &Inputs,
        step_idx: usize,
        (correlation, evidence): (&CheckpointCorrelation, Option<&Evidence>),
    ) {
        let step = inputs.steps[step_idx].map(|step| format!("{step}/")).unwrap_or_default();
        let top_k = config.correlation.top_k;
        for (&(model, other), pair) in &correlation.pairs {
            let name = |what: &str| format!("{step}{}+{}.{what}", inputs.names[model], inputs.names[other]);
            let n = pair.n_undefined.len();
            let corr =
                pair.best_corr.chunks_exact(pair.n_best).flat_map(|best| best[..top_k].iter().map(|&corr| corr as f32));
            let neuron = pair.best_neuron.chunks_exact(pair.n_best).flat_map(|best| best[..top_k].iter().copied());
            self.top_k.push((name("corr"), TensorData::F32 { shape: vec![n, top_k], data: corr.collect() }));
            self.top_k.push((name("neuron"), TensorData::U32 { shape: vec![n, top_k], data: neuron.collect() }));
            if let Some(evidence) = evidence {
                let (se, n_candidates) = evidence.pairs[&(model, other)].candidate_se();
                let data = se.iter().map(|&se| se as f32).collect();
                self.top_k.push((name("se"), TensorData::F32 { shape: vec![n, n_candidates], data }));
            }
            let data = pair.histogram.clone();
            self.histograms.push((name("counts"), TensorData::U32 { shape: vec![n, HISTOGRAM_BINS], data }));
            // An ordered pair and its reverse count the same pairs of neurons.
            if model < other {
                self.n_undefined_pairs += pair.n_undefined.iter().map(|&n| u64::from(n)).sum::<u64>();
            }
        }
    }

    /// Take in what the ablations of one model at one step say; returns its damage, for claims about the family.
    pub(crate) fn add_ablation(&mut self, ablated: Ablated) -> Vec<Damage> {
        let Ablated { rows, damage, balance, singles, attribution, notes } = ablated;
        self.ablation.extend(rows);
        self.damage.extend(damage.iter().map(|damage| damage.row.clone()));
        self.balance.extend(balance);
        self.singles.extend(singles);
        self.attribution.extend(attribution);
        self.notes.extend(notes);
        damage
    }

    /// Put every table in the order of its key columns.
    pub(crate) fn sort(&mut self) {
        sort_rows(&mut self.models);
        sort_rows(&mut self.neurons);
        sort_rows(&mut self.cliques);
        sort_rows(&mut self.nulls);
        sort_rows(&mut self.emergence);
        self.lasting.sort();
        sort_rows(&mut self.ablation);
        sort_rows(&mut self.damage);
        sort_rows(&mut self.family);
        sort_rows(&mut self.balance);
        sort_rows(&mut self.singles);
        sort_rows(&mut self.attribution);
        sort_rows(&mut self.screening);
        sort_rows(&mut self.vocabulary);
    }

    /// Write `tables/` and `tensors/` of a run folder; both hashes go into the metadata of every file.
    pub(crate) fn write(
        &self,
        config: &StudyConfig,
        inputs: &Inputs,
        run_dir: &Path,
        metadata: &[(String, String)],
    ) -> Result<(Vec<TableRecord>, Vec<FileRecord>), Error> {
        let tensors = [(TOP_K_FILE, &self.top_k), (HISTOGRAMS_FILE, &self.histograms)];
        let tensors = tensors.map(|(path, tensors)| {
            let file = run_dir.join(path);
            write_tensors(&file, tensors, metadata)?;
            Ok(FileRecord { path: path.to_owned(), n_bytes: n_bytes(&file), hash: file_hash(&file)? })
        });
        let mut tensors = tensors.into_iter().collect::<Result<Vec<_>, Error>>()?;
        tensors.extend(windows::write(&self.windows, inputs, run_dir, metadata)?);
        let mut tables = vec![
            write_one(run_dir, &self.models, metadata)?,
            write_one(run_dir, &self.neurons, metadata)?,
            self.write_matches(config, inputs, run_dir, metadata)?,
            write_one(run_dir, &self.emergence, metadata)?,
            write_one(run_dir, &self.lasting.persistence, metadata)?,
            write_one(run_dir, &self.lasting.stability, metadata)?,
            write_one(run_dir, &self.ablation, metadata)?,
            write_one(run_dir, &self.damage, metadata)?,
        ];
        tables.push(write_one(run_dir, &self.family, metadata)?);
        if !self.balance.is_empty() {
            tables.push(write_one(run_dir, &self.balance, metadata)?);
        }
        if !self.singles.is_empty() {
            tables.push(write_one(run_dir, &self.singles, metadata)?);
        }
        if !self.attribution.is_empty() {
            tables.push(write_one(run_dir, &self.attribution, metadata)?);
        }
        if !self.lasting.retest.is_empty() {
            tables.push(write_one(run_dir, &self.lasting.retest, metadata)?);
        }
        if !self.lasting.lives.is_empty() {
            tables.push(write_one(run_dir, &self.lasting.survival, metadata)?);
            tables.push(write_one(run_dir, &self.lasting.lives, metadata)?);
        }
        if let Some(continuity) = &self.continuity {
            let path = table_path::<ContinuityRow>();
            let n_rows = continuity.write(config, inputs, &run_dir.join(&path), metadata)?;
            tables.push(record::<ContinuityRow>(run_dir, path, n_rows)?);
        }
        if !self.cliques.is_empty() {
            tables.push(write_one(run_dir, &self.cliques, metadata)?);
        }
        if !self.nulls.is_empty() {
            tables.push(write_one(run_dir, &self.nulls, metadata)?);
        }
        if !self.screening.is_empty() {
            tables.push(write_one(run_dir, &self.screening, metadata)?);
        }
        if !self.vocabulary.is_empty() {
            tables.push(write_one(run_dir, &self.vocabulary, metadata)?);
        }
        Ok((tables, tensors))
    }

    fn write_matches(
        &self,
        config: &StudyConfig,
        inputs: &Inputs,
        run_dir: &Path,
        metadata: &[(String, String)],
    ) -> Result<TableRecord, Error> {
        let path = table_path::<MatchRow>();
        let n_rows = matches_table::write(config, inputs, &self.steps, &run_dir.join(&path), metadata)?;
        record::<MatchRow>(run_dir, path, n_rows)
    }
}

fn write_one<T: Table>(run_dir: &Path, rows: &[T], metadata: &[(String, String)]) -> Result<TableRecord, Error> {
    let path = table_path::<T>();
    write_table(&run_dir.join(&path), rows, metadata)?;
    record::<T>(run_dir, path, rows.len() as u64)
}

/// Relative to the run folder.
fn table_path<T: Table>() -> String {
    format!("tables/{}.parquet", T::NAME)
}

fn record<T: Table>(run_dir: &Path, path: String, n_rows: u64) -> Result<TableRecord, Error> {
    let file = run_dir.join(&path);
    Ok(TableRecord { name: T::NAME.to_owned(), path, n_rows, n_bytes: n_bytes(&file), hash: file_hash(&file)? })
}

fn n_bytes(file: &Path) -> u64 {
    std::fs::metadata(file).map_or(0, |metadata| metadata.len())
}
