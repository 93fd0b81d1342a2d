//! The null that a study's baseline is from, in words: captions, findings and methods name the one that was used.

use crate::Run;

/// Phrases for one null; plain text, none with an article before it or a stop behind.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct NullWords {
    /// A baseline, for a caption: `its best match among ...`.
    pub(crate) best_match: &'static str,
    /// What the other model has become, for behind `the best match in`: `a rotated model`.
    pub(crate) model: &'static str,
    /// What becomes of the other model, for behind `against a null:`.
    pub(crate) definition: &'static str,
    /// What one draw draws, for behind `from a single`.
    pub(crate) draw: &'static str,
}

/// Phrases for the null of `baseline.kind`.
pub(crate) fn null_words(run: &Run) -> NullWords {
    match run.settings.baseline_kind.as_str() {
        "orthogonal" => NullWords {
            best_match: "its best match among the other model's neurons after a random rotation within each layer",
            model: "a rotated model",
            definition: "b's neurons rotated within each layer by a random orthogonal matrix Q, v'(t) = Q v(t): the same space of \
                         activations, without its neurons' directions",
            draw: "random rotation of each layer of each model",
        },
        "gaussian-rows" => NullWords {
            best_match: "its best match after a random Gaussian mixing of the other model's neurons within each layer, rows of unit norm",
            model: "a model with its neurons mixed at random",
            definition: "b's neurons mixed within each layer by a matrix G of Gaussian numbers with rows of length 1, v'(t) = G v(t): \
                         directions at random, in place of its neurons'",
            draw: "random Gaussian mixing of each layer of each model",
        },
        "permuted-rows" => NullWords {
            best_match: "its best match among the other model's neurons with the rows of text exchanged, positions kept",
            model: "a model on exchanged rows of text",
            definition: "b's rows of text exchanged, no row staying in its place, positions kept: the same neurons, on another text",
            draw: "random exchange of rows, the same for all models",
        },
        _ => NullWords {
            best_match: "its best match in the study's null version of the other model",
            model: "the null version of a model",
            definition: "the study's null version of b",
            draw: "random draw",
        },
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::test_run::{self, Options};

    #[test]
    fn only_a_rotation_is_called_one() {
        let folder = tempfile::tempdir().unwrap();
        let mut run = test_run::open(folder.path(), &Options::default());
        let kinds = ["orthogonal", "gaussian-rows", "permuted-rows", "one of a later version"];
        let words = kinds.map(|kind| {
            kind.clone_into(&mut run.settings.baseline_kind);
            null_words(&run)
        });
        for (at, null) in words.iter().enumerate() {
            for phrase in [null.best_match, null.model, null.definition, null.draw] {
                assert_eq!(phrase.contains("rotat"), at == 0, "{}: {phrase}", kinds[at]);
                assert_eq!(phrase.contains("mix"), at == 1, "{}: {phrase}", kinds[at]);
                assert_eq!(phrase.contains("rows of text") || phrase.contains("exchange"), at == 2, "{phrase}");
            }
        }
    }
}
