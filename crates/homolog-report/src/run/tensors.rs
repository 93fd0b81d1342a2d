//! The tensor files of a run, a layer at a time: top-k matches, windows, token rows.

use std::ops::Range;
use std::path::{Path, PathBuf};

use homolog_results::{TensorFile, open_tensors};

use super::Run;
use crate::Error;

/// Best matches of neurons in one other model, [n, k] each; NaN and the greatest u32 where fewer are defined.
#[derive(Clone, Debug)]
pub(crate) struct TopK {
    /// Correlations, descending.
    pub(crate) corr: Vec<f32>,
    /// Places in the other model.
    pub(crate) neuron: Vec<u32>,
}

/// Windows of one model at one checkpoint, as files say it: [`Run::windows`].
#[derive(Debug)]
pub(crate) struct Windows {
    path: PathBuf,
    file: TensorFile,
    /// Windows kept of a neuron.
    pub(crate) n_kept: usize,
    /// Positions of a window.
    pub(crate) window_tokens: usize,
    /// Bins of the histogram of activations.
    pub(crate) n_bins: usize,
    /// Of how many windows the match's activations are kept.
    pub(crate) n_with_partners: usize,
}

impl Run {
    /// The file of best matches, if the run has one.
    pub(crate) fn top_k_file(&self) -> Result<Option<TensorFile>, Error> {
        self.tensor_file("topk.safetensors")
    }

    /// Rows `neurons` of the best matches of `model` in `other`.
    pub(crate) fn top_k(
        &self,
        file: &TensorFile,
        model: usize,
        other: usize,
        checkpoint: usize,
        neurons: Range<usize>,
    ) -> Result<TopK, Error> {
        let step = self.checkpoints[checkpoint].map(|step| format!("{step}/")).unwrap_or_default();
        let name = |what: &str| format!("{step}{}+{}.{what}", self.names[model], self.names[other]);
        for name in [name("corr"), name("neuron")] {
            let expected = [self.shapes[model].n_neurons(), self.settings.top_k];
            check_shape(&self.tensor_path("topk.safetensors"), file, &name, &expected)?;
        }
        Ok(TopK {
            corr: file.f32_rows(&name("corr"), neurons.clone())?,
            neuron: file.u32_rows(&name("neuron"), neurons)?,
        })
    }

    /// Windows of a model at a checkpoint; none where the study kept none.
    pub(crate) fn windows(&self, model: usize, checkpoint: usize) -> Result<Option<Windows>, Error> {
        let name = format!("windows-{checkpoint}-{model}.safetensors");
        let path = self.tensor_path(&name);
        let Some(file) = self.tensor_file(&name)? else { return Ok(None) };
        let n = self.shapes[model].n_neurons();
        let last_of = |tensor: &str, n_dimensions: usize| -> Result<Vec<usize>, Error> {
            let shape = file.shape(tensor)?.to_vec();
            if shape.len() == n_dimensions && shape[0] == n {
                return Ok(shape);
            }
            let expected = format!("{n_dimensions} dimensions, the first {n}");
            Err(Error::TensorShape { path: path.clone(), tensor: tensor.to_owned(), expected, found: shape })
        };
        let activation = last_of("activation", 3)?;
        let (n_kept, window_tokens) = (activation[1], activation[2]);
        for tensor in ["row", "start", "peak", "n_duplicates"] {
            check_shape(&path, &file, tensor, &[n, n_kept])?;
        }
        let n_bins = last_of("histogram", 2)?[1];
        let mut n_with_partners = None;
        for other in self.others(model) {
            let shape = last_of(&partner_name(other), 3)?;
            n_with_partners = Some(shape[1]);
        }
        let n_with_partners = n_with_partners.unwrap_or(0);
        for other in self.others(model) {
            check_shape(&path, &file, &partner_name(other), &[n, n_with_partners, window_tokens])?;
        }
        Ok(Some(Windows { path, file, n_kept, window_tokens, n_bins, n_with_partners }))
    }

    /// The rows of the corpus, [n_rows, context]; none where the study kept none.
    pub(crate) fn token_rows(&self) -> Result<Option<TokenRows>, Error> {
        let Some(file) = self.tensor_file("tokens.safetensors")? else { return Ok(None) };
        let shape = file.shape("rows")?.to_vec();
        let context = self.manifest.inputs.tokens.context as usize;
        if shape.len() != 2 || shape[1] != context {
            let (path, tensor) = (self.tensor_path("tokens.safetensors"), "rows".to_owned());
            return Err(Error::TensorShape { path, tensor, expected: format!("[rows, {context}]"), found: shape });
        }
        Ok(Some(TokenRows { file, n_rows: shape[0], context }))
    }

    fn tensor_path(&self, name: &str) -> PathBuf {
        self.folder.join("tensors").join(name)
    }

    /// A file of `tensors/`; none where the manifest does not list it, whatever an earlier call left there.
    fn tensor_file(&self, name: &str) -> Result<Option<TensorFile>, Error> {
        let listed = format!("tensors/{name}");
        if !self.manifest.tensors.iter().any(|file| file.path == listed) {
            return Ok(None);
        }
        Ok(Some(open_tensors(&self.tensor_path(name))?))
    }
}

/// The rows of the corpus that windows are of.
#[derive(Debug)]
pub(crate) struct TokenRows {
    file: TensorFile,
    /// Rows.
    pub(crate) n_rows: usize,
    /// Tokens a row.
    pub(crate) context: usize,
}

impl TokenRows {
    /// Ids of these rows, one after the other.
    pub(crate) fn rows(&self, rows: Range<usize>) -> Result<Vec<u32>, Error> {
        Ok(self.file.u32_rows("rows", rows)?)
    }

    /// Ids of `n_tokens` tokens from `start` on, fewer at the end of the row.
    ///
    /// Errors: there is no such place in the corpus; `windows` is the file that says so.
    pub(crate) fn window(&self, row: usize, start: usize, n_tokens: usize, windows: &Path) -> Result<Vec<u32>, Error> {
        if row >= self.n_rows || start >= self.context {
            return Err(Error::OutsideCorpus { path: windows.to_owned(), row, start });
        }
        let ids = self.rows(row..row + 1)?;
        Ok(ids[start..self.context.min(start + n_tokens)].to_vec())
    }
}

impl Windows {
    /// Row of the corpus of each window, [n, n_kept]; the greatest u32 where there are fewer.
    pub(crate) fn row(&self, neurons: Range<usize>) -> Result<Vec<u32>, Error> {
        Ok(self.file.u32_rows("row", neurons)?)
    }

    /// First position of each window in its row, [n, n_kept].
    pub(crate) fn start(&self, neurons: Range<usize>) -> Result<Vec<u32>, Error> {
        Ok(self.file.u32_rows("start", neurons)?)
    }

    /// Position of the greatest activation, [n, n_kept].
    pub(crate) fn peak(&self, neurons: Range<usize>) -> Result<Vec<u32>, Error> {
        Ok(self.file.u32_rows("peak", neurons)?)
    }

    /// How often the same text was met again, [n, n_kept].
    pub(crate) fn n_duplicates(&self, neurons: Range<usize>) -> Result<Vec<u32>, Error> {
        Ok(self.file.u32_rows("n_duplicates", neurons)?)
    }

    /// Activations in each window, [n, n_kept, window_tokens]; NaN where a window has no such position.
    pub(crate) fn activation(&self, neurons: Range<usize>) -> Result<Vec<f32>, Error> {
        Ok(self.file.f32_rows("activation", neurons)?)
    }

    /// Counts of activations by bin of equal width from the least to the greatest, [n, n_bins].
    pub(crate) fn histogram(&self, neurons: Range<usize>) -> Result<Vec<u32>, Error> {
        Ok(self.file.u32_rows("histogram", neurons)?)
    }

    /// Activations of the match in model `other` on the text of the first windows, [n, n_with_partners, window_tokens].
    pub(crate) fn partner(&self, other: usize, neurons: Range<usize>) -> Result<Vec<f32>, Error> {
        Ok(self.file.f32_rows(&partner_name(other), neurons)?)
    }

    /// The file, for errors.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

fn partner_name(other: usize) -> String {
    format!("partner.{other}.activation")
}

fn check_shape(path: &Path, file: &TensorFile, tensor: &str, expected: &[usize]) -> Result<(), Error> {
    let found = file.shape(tensor)?;
    if found == expected {
        return Ok(());
    }
    let (expected, found) = (format!("{expected:?}"), found.to_vec());
    Err(Error::TensorShape { path: path.to_owned(), tensor: tensor.to_owned(), expected, found })
}
