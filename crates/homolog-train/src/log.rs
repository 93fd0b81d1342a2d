//! `log.jsonl` of a model: a line a step, the same bytes however often the training was interrupted.

#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

use homolog_results::write_bytes;
use serde::{Deserialize, Serialize};

use crate::Error;

/// One line. No time is in it, so that equal runs have equal logs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Line {
    /// Updates made; 0 before the first.
    pub(crate) step: u64,
    /// Positions seen so far, those of a row's first token among them.
    pub(crate) tokens: u64,
    /// Of this step; none at step 0, as the next two.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) learning_rate: Option<f64>,
    /// Mean over this step's batch, before its update.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) train_loss_nats: Option<f64>,
    /// Euclidean norm of its gradient, before clipping.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) gradient_norm: Option<f64>,
    /// Mean over the evaluation rows, after this step's update; where it was measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) held_out_loss_nats: Option<f64>,
}

impl Line {
    /// Of step 0.
    pub(crate) fn of_start(held_out_loss_nats: f64) -> Self {
        let held_out_loss_nats = Some(held_out_loss_nats);
        Self { step: 0, tokens: 0, learning_rate: None, train_loss_nats: None, gradient_norm: None, held_out_loss_nats }
    }
}

/// The log of one model, open for further lines.
pub(crate) struct Log {
    path: PathBuf,
    file: File,
}

impl Log {
    /// Keep the lines up to `step` of what is there, none for a training that begins.
    ///
    /// A kill may have left lines of steps that will be done again, or a part of one. `state`: the file that says `step`.
    /// Errors: a line of a step up to `step` is missing.
    pub(crate) fn open(path: &Path, step: Option<u64>, state: &Path) -> Result<Self, Error> {
        let mut kept = String::new();
        if let Some(last) = step {
            let lost = |message: String| Error::BadState { path: state.to_path_buf(), message };
            let text = std::fs::read_to_string(path)
                .map_err(|error| lost(format!("{} of its steps cannot be read ({error})", path.display())))?;
            let mut lines = text.lines();
            for step in 0..=last {
                let line =
                    lines.next().filter(|text| serde_json::from_str::<Line>(text).is_ok_and(|line| line.step == step));
                let line = line.ok_or_else(|| lost(format!("{} lacks step {step} of its {last}", path.display())))?;
                kept.extend([line, "\n"]);
            }
        }
        write_bytes(path, kept.as_bytes())?;
        let file = File::options().append(true).open(path).map_err(unwritable(path))?;
        Ok(Self { path: path.to_path_buf(), file })
    }

    pub(crate) fn push(&mut self, line: &Line) -> Result<(), Error> {
        let text = serde_json::to_string(line).expect("plain fields serialise") + "\n";
        self.file.write_all(text.as_bytes()).map_err(unwritable(&self.path))
    }

    /// Every line so far is on the disk.
    pub(crate) fn sync(&self) -> Result<(), Error> {
        self.file.sync_data().map_err(unwritable(&self.path))
    }
}

fn unwritable(path: &Path) -> impl FnOnce(std::io::Error) -> Error {
    let path = path.to_path_buf();
    move |source| Error::Unwritable { path, source }
}
