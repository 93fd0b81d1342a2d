//! `homolog demo`: text, a small family trained on it, its study, and what that shows.

mod findings;
mod folder;
mod language;
mod sotu;
mod text;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use anyhow::Context;
use homolog_study::{Course, Progress, StudyConfig};
use homolog_train::FamilyConfig;

use crate::args::DemoArgs;
use crate::commands::{default_options, family_options, print};
use crate::reporter::Reporter;
use crate::show;
use text::{TextSource, Ways};

/// Steps by which there is something to see, within the time that a newcomer waits; docs/demo.md has the figures.
pub(crate) const STEPS: u64 = 1200;

/// Of the generated language.
const LANGUAGE_SEED: u64 = 1;

/// Tokens of the tokenizer that is trained.
const D_VOCAB: usize = 1024;

pub(crate) fn run(args: &DemoArgs, reporter: &Reporter) -> anyhow::Result<()> {
    let folder = &args.output;
    Progress::say(reporter, "1 of 3, text: what the models learn, and what they are compared on");
    let pythons = sotu::PYTHONS.map(OsString::from);
    let ways = Ways { pythons: &pythons, seed: LANGUAGE_SEED, extent: &language::FULL };
    let source = text::find(&args.corpus, folder, &ways, reporter)?;

    let n_models = args.models;
    Progress::say(
        reporter,
        &format!(
            "2 of 3, family: {n_models} small GPT-2s on the same text, alike in all but their seeds; checkpoints are kept on the way"
        ),
    );
    let family_file = folder.join("family.toml");
    write(&family_file, &family_toml(&patterns(&source)?, args))?;
    let family = FamilyConfig::read(&family_file)?;
    homolog_train::train(&family, &family_options(folder.join("family")), reporter)?;

    Progress::say(
        reporter,
        "3 of 3, study: which neurons do they share, since when, do these last, and do they matter?",
    );
    let study_file = folder.join("study.toml");
    write(&study_file, &(family.study(Path::new("family"), D_VOCAB) + STUDY))?;
    let study = StudyConfig::read(&study_file, &[])?;
    let run_folder = folder.join("study");
    let progress = Explaining { inner: reporter, explained: Mutex::default() };
    homolog_study::run(&study, &default_options(run_folder.clone()), &progress)?;

    let course = Course::read(&run_folder, &study)?;
    print(&findings::told(&course, &source, args, &run_folder))?;
    print(&show::report_unless_current(&run_folder, reporter)?)
}

/// The settings of the study that differ from the defaults: neurons of so small a family do not reach an excess of 0.5.
const STUDY: &str = "
[universality]
threshold = 0.2
thresholds = [0.1, 0.15, 0.2, 0.25, 0.3]

[baseline]
draws = 8

[nulls]
permuted_rows = 1

[ablation]
modes = [\"zero\"]
multiples = [1, 2, 5]
draws = 5
per_layer = false
permutations = 20
tokens = 6144

[attribution]
top = 4
universal = 8
random = 8
";

fn family_toml(files: &[PathBuf], args: &DemoArgs) -> String {
    let files: Vec<toml::Value> =
        files.iter().map(|path| toml::Value::from(path.to_string_lossy().into_owned())).collect();
    let files = toml::Value::from(files);
    let seeds = (1..=args.models).map(|seed| seed.to_string()).collect::<Vec<_>>().join(", ");
    let steps = args.steps;
    format!(
        "[family]
name = \"demo\"

[corpus]
files = {files}
context = 128
held_out_tokens = 32_768

[tokenizer]
d_vocab = {D_VOCAB}

[model]
n_layers = 4
d_model = 64
n_heads = 4

[seeds]
both = [{seeds}]

[training]
steps = {steps}
batch_rows = 8
learning_rate = 4e-3

[checkpoints]
count = 5
"
    )
}

/// Patterns of the text, as the family file in the demo's folder finds them.
fn patterns(source: &TextSource) -> anyhow::Result<Vec<PathBuf>> {
    Ok(match source {
        // They are relative to where the command is given.
        TextSource::Files(files) => {
            if let Some(path) = files.iter().find(|path| path.to_str().is_none()) {
                anyhow::bail!("the path {} is not UTF-8, which a family file must be; rename it", path.display());
            }
            files.iter().map(std::path::absolute).collect::<Result<_, _>>()?
        }
        TextSource::Speeches(folder) | TextSource::Language(folder) => {
            vec![Path::new(folder.file_name().expect("a folder of the demo")).join("*.txt")]
        }
    })
}

/// Write a file of the demo; one that is there already must be the same, lest somebody's own is lost.
fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    let advice = || format!("cannot write {}; choose another --output", path.display());
    match std::fs::read_to_string(path) {
        Ok(found) if found == text => Ok(()),
        Ok(_) => anyhow::bail!(
            "{} is not what this demo would write: it was changed, or made with other options; choose another --output, or run it by \
             itself (homolog train, homolog run)",
            path.display()
        ),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let folder = path.parent().unwrap_or(Path::new(""));
            std::fs::create_dir_all(folder).with_context(advice)?;
            // Renamed into place: a kill leaves no half of it, which would be taken for somebody's own.
            let half = path.with_extension("toml.part");
            std::fs::write(&half, text).and_then(|()| std::fs::rename(&half, path)).with_context(advice)
        }
        Err(error) => Err(error).with_context(advice),
    }
}

/// Says of each kind of work what it is for, before the first of it.
struct Explaining<'a> {
    inner: &'a Reporter,
    explained: Mutex<Vec<&'static str>>,
}

const PURPOSES: [(&str, &str); 3] = [
    (
        "correlate",
        "  correlate: every neuron with every neuron of the other models, and with random directions among them (the baseline)",
    ),
    ("loss of", "  loss: how well each model predicts the text"),
    ("ablate", "  ablate: the loss without the universal neurons, and without as many random ones"),
];

impl Progress for Explaining<'_> {
    fn begin(&self, work: &str, total: u64, unit: &'static str) {
        let mut explained = self.explained.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let purpose = PURPOSES.into_iter().find(|(kind, _)| work.starts_with(kind) && !explained.contains(kind));
        if let Some((kind, purpose)) = purpose {
            explained.push(kind);
            Progress::say(self.inner, purpose);
        }
        Progress::begin(self.inner, work, total, unit);
    }

    fn advance(&self, n: u64) {
        Progress::advance(self.inner, n);
    }

    fn end(&self) {
        Progress::end(self.inner);
    }

    fn say(&self, line: &str) {
        Progress::say(self.inner, line);
    }

    fn begin_run(&self, run_dir: &Path) {
        self.inner.begin_run(run_dir);
    }

    fn is_cancelled(&self) -> bool {
        Progress::is_cancelled(self.inner)
    }
}
