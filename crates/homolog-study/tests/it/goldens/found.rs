//! The fixture study, run once for all tests: its tables in memory.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::OnceLock;

use homolog_results::{
    AblationRow, EmergenceRow, Manifest, MatchRow, ModelRow, NeuronRow, PersistenceRow, StabilityRow, Tensors,
    read_tensors,
};
use homolog_study::StudyConfig;
use homolog_test::fixtures::json;
use serde_json::Value;

use crate::world::{Run, options};

pub(super) struct Found {
    pub(super) models: Vec<ModelRow>,
    /// By (model, step), in the order of the neurons.
    pub(super) neurons: BTreeMap<(String, i64), Vec<NeuronRow>>,
    /// By (model, other, step), in the order of the neurons.
    pub(super) matches: BTreeMap<(String, String, i64), Vec<MatchRow>>,
    pub(super) emergence: Vec<EmergenceRow>,
    pub(super) persistence: Vec<PersistenceRow>,
    pub(super) stability: Vec<StabilityRow>,
    pub(super) ablation: Vec<AblationRow>,
    pub(super) top_k: Tensors,
    pub(super) histograms: Tensors,
    pub(super) manifest: Manifest,
}

impl Found {
    /// The run that all tests of this process share.
    pub(super) fn of(fixtures: &Path) -> &'static Self {
        static FOUND: OnceLock<Found> = OnceLock::new();
        FOUND.get_or_init(|| Self::run(fixtures))
    }

    /// First all but ablations. Then, in the same folder, so that correlations and losses are not computed again, the
    /// ablations that there are goldens for: at step 1600 the study's own sets and the listed ones, at step 670 only
    /// listed ones (nobody passes a threshold of 5).
    fn run(fixtures: &Path) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = fixtures.join("study.toml");
        let text = fs::read_to_string(&path).unwrap();
        let (text, _) = text.split_once("[ablation]").expect("the ablation section is the last");
        let run = |text: &str, ablation: &str| {
            let text = format!("{text}[attribution]\nenabled = false\n[ablation]\npermutations = 0\n{ablation}");
            let config = StudyConfig::parse(&text, &path, &[]).unwrap();
            Run::of(&config, &options(&folder.path().join("run"))).unwrap()
        };
        let study = run(text, "enabled = false");
        let mut neurons = BTreeMap::<_, Vec<NeuronRow>>::new();
        for row in study.table::<NeuronRow>() {
            neurons.entry((row.model.clone(), row.checkpoint.unwrap())).or_default().push(row);
        }
        let mut matches = BTreeMap::<_, Vec<MatchRow>>::new();
        for row in study.table::<MatchRow>() {
            matches.entry((row.model.clone(), row.other.clone(), row.checkpoint.unwrap())).or_default().push(row);
        }
        let mut found = Self {
            models: study.table(),
            neurons,
            matches,
            emergence: study.table(),
            persistence: study.table(),
            stability: study.table(),
            ablation: Vec::new(),
            top_k: read_tensors(&study.folder.join("tensors/topk.safetensors")).unwrap(),
            histograms: read_tensors(&study.folder.join("tensors/histograms.safetensors")).unwrap(),
            manifest: study.manifest(),
        };
        for (step, threshold) in [(1600, "0.3"), (670, "5.0")] {
            let text = edited(text, "steps = [50, 120, 280, 670, 1600]", &format!("steps = [{step}]"));
            let text = edited(&text, "\nthreshold = 0.3", &format!("\nthreshold = {threshold}"));
            let settings = "modes = [\"zero\", \"mean\"]\ndraws = 1\nmultiples = [1]\n";
            let ablated = run(&text, &format!("{settings}{}", replayed_sets(fixtures, folder.path(), step, |_| true)));
            assert!(ablated.said.iter().any(|line| line.starts_with("correlate") && line.contains("skipped")));
            found.ablation.extend(ablated.table::<AblationRow>());
        }
        found
    }
}

pub(super) fn edited(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "the study file has no {from:?}");
    text.replacen(from, to, 1)
}

/// `[[ablation.set]]` of every wanted set of neurons that the goldens ablated at a step, written to `folder` as CSV.
pub(super) fn replayed_sets(fixtures: &Path, folder: &Path, step: i64, is_wanted: impl Fn(&str) -> bool) -> String {
    let goldens = json(fixtures.join("goldens/ablation.json"));
    let mut sections = Vec::new();
    for (key, golden) in goldens.as_object().unwrap() {
        let (model, of_step, _) = parts(key);
        for (set, neurons) in listed(golden).into_iter().filter(|_| of_step == step) {
            let set = set_name(model, step, &set);
            if !is_wanted(&set) {
                continue;
            }
            let file = folder.join(format!("{set}.csv"));
            let lines = neurons.as_array().unwrap().iter().map(|neuron| {
                let flat = neuron.as_u64().unwrap();
                format!("{},{}\n", flat / 512, flat % 512)
            });
            fs::write(&file, format!("layer,neuron\n{}", lines.collect::<String>())).unwrap();
            let file = file.to_str().unwrap();
            sections.push(format!(
                "[[ablation.set]]\nname = {set:?}\nfile = {file:?}\nmodels = [{model:?}]\ncheckpoints = [{step}]\n"
            ));
        }
    }
    sections.concat()
}

/// `seed-a|1600|0.3`
pub(super) fn parts(key: &str) -> (&str, i64, f64) {
    let [model, step, threshold] = key.split('|').collect::<Vec<_>>()[..] else { panic!("key {key}") };
    (model, step.parse().unwrap(), threshold.parse().unwrap())
}

pub(super) fn set_name(model: &str, step: i64, set: &str) -> String {
    format!("{model}-{step}-{set}")
}

/// Name and neurons of every set in an entry of ablation.json.
pub(super) fn listed(golden: &Value) -> Vec<(String, &Value)> {
    let mut sets = vec![("universal".to_owned(), &golden["universal"])];
    for kind in ["random", "random_layer_matched"] {
        let draws = golden[kind].as_array().unwrap().iter().enumerate();
        sets.extend(draws.map(|(draw, random)| (format!("{kind}-{draw}"), &random["neurons"])));
    }
    sets
}
