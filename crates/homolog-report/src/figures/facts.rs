//! What all figures of a run have to know and to say: its models, checkpoints, threshold and sizes.

use crate::Run;
use crate::numbers::count;
use crate::rule_words::criterion;
use crate::run::{n_ablation_targets, n_loss_targets};

/// Sizes and names of a run.
pub(super) struct Facts {
    /// In the order of the study.
    pub(super) models: Vec<String>,
    /// Ascending; one none for a study that names none.
    pub(super) checkpoints: Vec<Option<i64>>,
    /// Of the deepest model.
    pub(super) n_layers: usize,
    /// Neurons of one model; none where models differ.
    n_neurons: Option<usize>,
    /// Of the study's rule: whatever `threshold` is on.
    pub(super) threshold: f64,
    /// Values that neurons were ablated to, in the order of the study; none without ablations.
    pub(super) modes: Vec<String>,
    /// By model: its part of a figure's name.
    slugs: Vec<String>,
    /// What makes a neuron universal.
    criterion: String,
    n_tokens_counted: u64,
    n_loss_targets: u64,
    n_ablation_targets: u64,
    is_held_out: bool,
    is_screened: bool,
}

/// Whose figure it is.
pub(super) enum Subject {
    /// Means over all models as the reference in turn, with the range over them.
    Family,
    /// One model as the reference.
    Model(String),
}

impl Facts {
    pub(super) fn of(run: &Run) -> Self {
        let shapes: Vec<_> = (0..run.model_names().len()).map(|model| run.shape(model)).collect();
        Self {
            models: run.model_names().to_vec(),
            checkpoints: run.checkpoints().to_vec(),
            n_layers: shapes.iter().map(|shape| shape.n_layers).max().unwrap_or(0),
            n_neurons: shapes.iter().all(|shape| *shape == shapes[0]).then(|| shapes[0].n_neurons()),
            threshold: run.threshold(),
            modes: run.settings.ablation_modes.clone(),
            criterion: criterion(&run.settings, run.threshold()),
            slugs: slugs(run.model_names()),
            n_tokens_counted: run.manifest.n_tokens_counted,
            n_loss_targets: n_loss_targets(run),
            n_ablation_targets: n_ablation_targets(run),
            is_screened: !run.screening.is_empty(),
            is_held_out: run.models.first().is_some_and(|row| row.loss_tokens == "held_out"),
        }
    }

    /// The family, then every model.
    pub(super) fn subjects(&self) -> Vec<Subject> {
        let models = self.models.iter().map(|model| Subject::Model(model.clone()));
        std::iter::once(Subject::Family).chain(models).collect()
    }

    /// The last checkpoint, whose neurons stand for the run where one has to.
    pub(super) fn last(&self) -> Option<i64> {
        self.checkpoints.last().copied().flatten()
    }

    /// ` at step 1200`, or nothing for a study that names no checkpoints.
    pub(super) fn at_last(&self) -> String {
        self.last().map(|step| format!(" at step {}", count(step as u64))).unwrap_or_default()
    }

    /// What correlations are over, as a sentence for captions.
    pub(super) fn correlated(&self) -> String {
        let neurons = self.n_neurons.map(|n| format!("{} neurons a model, ", count(n as u64))).unwrap_or_default();
        format!("{} models, {neurons}{} counted tokens.", self.models.len(), count(self.n_tokens_counted))
    }

    /// What the losses of the models are over, as a sentence for captions.
    pub(super) fn measured(&self) -> String {
        self.over(self.n_loss_targets)
    }

    /// What the losses of ablations are over, which may be fewer tokens, as a sentence for captions.
    pub(super) fn ablated(&self) -> String {
        self.over(self.n_ablation_targets)
    }

    fn over(&self, n_targets: u64) -> String {
        let whose =
            if self.is_held_out { "held-out tokens" } else { "tokens, of the rows that the correlations come from" };
        format!("Losses are means over {} predicted {whose}.", count(n_targets))
    }

    /// That baselines are those of a sample, as a sentence for captions behind others; empty for an exact search.
    pub(super) fn screened(&self) -> &'static str {
        if self.is_screened {
            " Baselines come from the sample of the screening wherever the search was not exact."
        } else {
            ""
        }
    }

    /// What makes a neuron universal, as a sentence for captions.
    pub(super) fn universal(&self) -> String {
        format!("A neuron is universal when {}.", self.criterion)
    }
}

impl Subject {
    /// Whether rows of `model` are of this subject.
    pub(super) fn has(&self, model: &str) -> bool {
        match self {
            Self::Family => true,
            Self::Model(name) => name == model,
        }
    }

    /// Last part of a figure's name.
    pub(super) fn slug<'a>(&self, facts: &'a Facts) -> &'a str {
        match self {
            Self::Family => FAMILY,
            Self::Model(name) => {
                let place =
                    facts.models.iter().position(|model| model == name).expect("subjects are models of the run");
                &facts.slugs[place]
            }
        }
    }

    /// `mean over models`, or `seed-1`.
    pub(super) fn title(&self) -> &str {
        match self {
            Self::Family => "mean over models",
            Self::Model(name) => name,
        }
    }

    /// What line and band are, as a sentence for captions.
    pub(super) fn spread(&self) -> &'static str {
        match self {
            Self::Family => {
                "Lines: mean over the models as reference in turn; bands: least and greatest of them (a range, no interval)."
            }
            Self::Model(_) => "One model as the reference; no error bars.",
        }
    }
}

/// How axes and legends call a checkpoint.
pub(super) fn step(checkpoint: Option<i64>) -> String {
    match checkpoint {
        None => "final".into(),
        Some(step) if step >= 1000 && step % 100 == 0 => format!("{}k", step as f64 / 1000.0),
        Some(step) => step.to_string(),
    }
}

/// How panels call a checkpoint.
pub(super) fn panel(checkpoint: Option<i64>) -> String {
    checkpoint.map_or("final".into(), |step| format!("step {}", count(step as u64)))
}

/// What figures of the family are called.
const FAMILY: &str = "mean";

/// Models' names as parts of names of files: letters, digits, `-`, `.` and `_` only, none twice even where capitals do not count, and none
/// that is the family's.
pub(super) fn slugs(models: &[String]) -> Vec<String> {
    let plain = |c: char| if c.is_ascii_alphanumeric() || "-._".contains(c) { c } else { '-' };
    let mut taken: Vec<String> = vec![FAMILY.into()];
    let mut slugs = Vec::new();
    for (place, model) in models.iter().enumerate() {
        let mut slug: String = model.chars().map(plain).collect();
        while taken.contains(&slug.to_ascii_lowercase()) {
            slug = format!("{slug}-{}", place + 1);
        }
        taken.push(slug.to_ascii_lowercase());
        slugs.push(slug);
    }
    slugs
}
