//! One question outside a study's run: what does the loss of one model do without these neurons?

use std::path::{Path, PathBuf};

use homolog_results::{AblationRow, write_table};

use crate::config::{SetSection, nearest};
use crate::inputs::Inputs;
use crate::run_folder::RunFolder;
use crate::stages::{ablate, attribute, correlate};
use crate::{Error, Options, Progress, StudyConfig};

/// Which neurons of which model.
#[derive(Clone, Debug)]
pub struct ListRequest {
    /// Name of the model in the study file.
    pub model: String,
    /// One of the study's checkpoints; none if it names none.
    pub checkpoint: Option<i64>,
    /// CSV with columns layer and neuron, from the working directory.
    pub neurons: PathBuf,
}

/// The loss with the listed neurons silenced, beside random sets of the same size and of its multiples, in the modes of the study.
/// Writes `ablations/MODEL+CHECKPOINT+LIST.parquet` in the run folder, and gives the table as Markdown.
///
/// Errors: a model or checkpoint that the study has not; a list that does not fit the model; whatever is wrong with that model and
/// the tokens.
pub fn ablate_list(
    config: &StudyConfig,
    request: &ListRequest,
    options: &Options,
    progress: &dyn Progress,
) -> Result<String, Error> {
    let name = request.neurons.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let (config, model_idx) = narrowed(config, request, &name)?;
    let mut folder = RunFolder::open(&config, options)?;
    folder.claim(&config)?;
    let inputs = Inputs::open(&config, options, &mut folder, progress)?;
    let checkpoint = &inputs.checkpoints[0][0];
    let neurons: Vec<usize> = inputs.sets[0].neurons.iter().map(|id| id.flat(checkpoint.config.d_mlp)).collect();
    let shape = correlate::shape(checkpoint, &config);
    let model = checkpoint.load(config.correlation.precision)?;
    let moments = correlate::moments(&inputs, &model, shape, options, progress)?;
    drop(model);
    let write_norm = attribute::write_norms_of(checkpoint)?;
    let list = ablate::List { name: &name, neurons: &neurons, model_idx, moments: &moments, write_norm: &write_norm };
    let (rows, notes) = ablate::of_list(&config, &inputs, &list, progress)?;
    let step = request.checkpoint.map(|step| format!("{step}+")).unwrap_or_default();
    // No model has a plus in its name.
    let file = format!("{}+{step}{name}.parquet", request.model.replace(['/', '\\'], "_"));
    let path = options.output.join("ablations").join(file);
    let metadata = [
        ("homolog.weights_hash", checkpoint.weights_hash.as_str()),
        ("homolog.config_hash", &checkpoint.config_hash),
        ("homolog.list_hash", &inputs.sets[0].file_hash),
        ("homolog.tokens_hash", inputs.tokens.hash()),
        ("homolog.loss_tokens_hash", inputs.loss_tokens.hash()),
        ("homolog.ablation_precision", &config.ablation.precision.to_string()),
        ("homolog.ablation_seed", &config.ablation.seed.to_string()),
    ];
    write_table(&path, &rows, &metadata.map(|(key, value)| (key.to_owned(), value.to_owned())))?;
    folder.keep();
    Ok(markdown(&rows, inputs.loss_tokens_name(), &notes, &path))
}

/// The study with that model and checkpoint alone, and the list as its one set; and the model's place in the whole study.
fn narrowed(config: &StudyConfig, request: &ListRequest, name: &str) -> Result<(StudyConfig, usize), Error> {
    let fail = |message: String| Err(Error::BadSetting { path: config.path.clone(), message });
    let names: Vec<&str> = config.models.iter().map(|model| model.name.as_str()).collect();
    let Some(model_idx) = names.iter().position(|&name| name == request.model) else {
        let near = nearest(&request.model, names.iter().copied());
        let near = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
        return fail(format!("no model is named `{}`; there are {}{near}", request.model, names.join(", ")));
    };
    let steps = config.steps();
    if !steps.contains(&request.checkpoint) {
        let known: Vec<String> = steps.iter().flatten().map(ToString::to_string).collect();
        return match request.checkpoint {
            Some(_) if known.is_empty() => fail("the study names no checkpoints; leave --checkpoint out".into()),
            Some(step) => fail(format!("checkpoint {step} is not in the study; there are {}", known.join(", "))),
            None => fail(format!("say which checkpoint with --checkpoint; there are {}", known.join(", "))),
        };
    }
    let mut narrow = config.clone();
    narrow.models = vec![config.models[model_idx].clone()];
    if let (Some(checkpoints), Some(step)) = (&mut narrow.checkpoints, request.checkpoint) {
        checkpoints.steps = vec![step];
    }
    // The tokenizer of the text is the first model's of the whole study.
    if config.corpus.is_text() && config.corpus.tokenizer.is_none() {
        narrow.corpus.tokenizer = Some(config.folder(&config.models[0], steps[0]));
    }
    let file = std::path::absolute(&request.neurons).unwrap_or_else(|_| request.neurons.clone());
    let ablation = &mut narrow.ablation;
    (ablation.enabled, ablation.per_layer) = (true, false);
    // A list of the user's own is shown beside random sets; no p-value is told of it.
    ablation.permutations = 0;
    if ablation.lacks_sets() {
        return fail("[ablation] needs modes, multiples of at least 1, and draws of at least 1".into());
    }
    ablation.sets = vec![SetSection { name: name.to_owned(), file, models: None, checkpoints: None }];
    if crate::config::OWN_SETS.contains(&name) || name.is_empty() {
        return fail(format!("the list is called `{name}`, as a set of the study's own; rename the file"));
    }
    Ok((narrow, model_idx))
}

fn markdown(rows: &[AblationRow], loss_tokens: &str, notes: &[String], path: &Path) -> String {
    let mut lines = vec![
        "| set | mode | multiple | draw | neurons | clean loss, nats | loss, nats | rise, nats | per neuron, nats |"
            .into(),
        "|---|---|---:|---:|---:|---:|---:|---:|---:|".into(),
    ];
    let number = |value: Option<u32>| value.map_or("-".into(), |value| value.to_string());
    lines.extend(rows.iter().map(|row| {
        format!(
            "| {} | {} | {} | {} | {} | {:.5} | {:.5} | {:.5} | {} |",
            row.set,
            row.mode,
            number(row.multiple),
            number(row.draw),
            row.n_neurons,
            row.loss_nats_clean,
            row.loss_nats,
            row.delta_loss_nats,
            row.efficiency_nats.map_or("-".into(), |efficiency| format!("{efficiency:.3e}")),
        )
    }));
    let same = "measured on the rows of the correlations; none are held out".to_owned();
    let notes = (loss_tokens == "same").then_some(&same).into_iter().chain(notes);
    let notes: Vec<String> = notes.map(|note| format!("\nNote: {note}.")).collect();
    format!("{}\n{}\n\nTable: {}\n", lines.join("\n"), notes.concat(), path.display())
}
