//! What a run found, in plain sentences made from its tables: no table, no sentence.

mod ablation;
mod certainty;
mod emergence;
mod family;
mod persistence;
mod shared;
mod singles;

use super::html::{joined, list};
use crate::Run;
use crate::run::checkpoint_words;

use ablation::{CONTROLS, place_of_five};
pub(super) use ablation::{LAYER_MATCHED, MATCHED, RANDOM, damage, meeting};

/// Sentences about one matter.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Finding {
    pub(super) heading: &'static str,
    pub(super) sentences: Vec<String>,
}

/// Everything that this run can say.
pub(super) fn of(run: &Run) -> Vec<Finding> {
    let findings = [
        Finding { heading: "Emergence", sentences: emergence::sentences(run) },
        Finding { heading: "How sure", sentences: certainty::sentences(run) },
        Finding { heading: "What is shared", sentences: shared::sentences(run) },
        Finding { heading: "Persistence", sentences: persistence::sentences(run) },
        Finding { heading: "Ablation", sentences: ablation::sentences(run) },
        Finding { heading: "Single neurons", sentences: singles::sentences(run) },
        Finding { heading: "The family", sentences: family::sentences(run) },
    ];
    findings.into_iter().filter(|finding| !finding.sentences.is_empty()).collect()
}

pub(super) fn html(run: &Run) -> String {
    let findings =
        joined(of(run).iter().map(|finding| format!("<h3>{}</h3>\n{}", finding.heading, list(&finding.sentences))));
    let n = run.model_names().len();
    format!(
        "<p>The population is that of the {n} models, each of which is the reference once. \u{201c}From a to b\u{201d} is the least and the \
         greatest of them. That is a range, not an interval. Where an interval is \
         given it is over the text: how far these models would lie from themselves on another. Only those under \u{201c}The family\u{201d} are over models \
         too.</p>\n\
         {findings}"
    )
}

/// `At step 1200`, `At the only checkpoint`.
fn at(run: &Run, checkpoint: usize) -> String {
    format!("At {}", checkpoint_words(run.checkpoints()[checkpoint]))
}

#[cfg(test)]
mod tests;
