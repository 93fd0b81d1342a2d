//! The audit of checkpoints: every fault that published families have had, put into copies of a real one, and found there alone.

use std::fs;
use std::path::{Path, PathBuf};

use homolog_results::{Audit, AuditKind, AuditWarning, Manifest};
use homolog_study::{Error, Options, Silent, StudyConfig};
use homolog_test::fixtures::{fixtures, print_skipped};
use homolog_test::planted::random_rows;
use homolog_test::tiny_gpt2::{Dtype, Gpt2Shape, Layout, Weights, read};
use tempfile::TempDir;

use crate::world::{World, options};

const STEPS: [i64; 5] = [50, 120, 280, 670, 1600];
const MODELS: [&str; 3] = ["a", "b", "c"];
const HALF: Layout = Layout { dtype: Dtype::F16, ..Layout::PLAIN };

/// A copy of the fixture family that can be spoilt.
struct Family {
    folder: TempDir,
    source: PathBuf,
    steps: Vec<i64>,
}

impl Family {
    /// None, and said so, where there are no fixtures.
    fn new() -> Option<Self> {
        let Some(fixtures) = fixtures() else {
            print_skipped("no fixture family to audit");
            return None;
        };
        let family =
            Self { folder: tempfile::tempdir().unwrap(), source: fixtures.join("family"), steps: STEPS.to_vec() };
        for model in MODELS {
            for step in STEPS {
                family.put((model, step), (model, step));
            }
        }
        Some(family)
    }

    fn path(&self, (model, step): (&str, i64)) -> PathBuf {
        self.folder.path().join(format!("{model}/checkpoint-{step}"))
    }

    fn source(&self, (model, step): (&str, i64)) -> PathBuf {
        self.source.join(format!("seed-{model}/checkpoint-{step}"))
    }

    /// Under this name that checkpoint of the sound family.
    fn put(&self, name: (&str, i64), content: (&str, i64)) {
        let (to, from) = (self.path(name), self.source(content));
        fs::create_dir_all(&to).unwrap();
        for file in ["config.json", "model.safetensors"] {
            fs::copy(from.join(file), to.join(file)).unwrap();
        }
    }

    /// Change the weights of a checkpoint.
    fn edit(&self, name: (&str, i64), edit: impl FnOnce(&Gpt2Shape, &mut Weights)) {
        let path = self.path(name);
        let (shape, mut weights) = read(&path);
        edit(&shape, &mut weights);
        shape.write(&path, &weights, &HALF);
    }

    /// Take a step out of the study.
    fn leave_out(&mut self, step: i64) {
        self.steps.retain(|&other| other != step);
    }

    fn study(&self) -> StudyConfig {
        let models = MODELS.map(|name| format!("[[model]]\nname = \"{name}\"\npath = \"{name}\"\n")).concat();
        let text = format!(
            "[study]\nname = \"family\"\n{models}[checkpoints]\nsteps = {:?}\npattern = \"checkpoint-{{step}}\"\n\
             [corpus]\ntoken_file = \"no-such-file.u16\"\ncontext = 128\n",
            self.steps
        );
        StudyConfig::parse(&text, &self.folder.path().join("study.toml"), &[]).unwrap()
    }

    fn audit(&self) -> Audit {
        audit(&self.study(), &options(Path::new("")))
    }

    /// Kind, model and step of every warning.
    fn warnings(&self) -> Vec<(AuditKind, String, i64)> {
        let of = |warning: AuditWarning| (warning.kind, warning.model, warning.checkpoint.unwrap());
        self.audit().warnings.into_iter().map(of).collect()
    }

    #[track_caller]
    fn assert_warns(&self, wanted: &[(AuditKind, &str, i64)]) {
        let wanted: Vec<_> = wanted.iter().map(|&(kind, model, step)| (kind, model.to_owned(), step)).collect();
        assert_eq!(self.warnings(), wanted, "{:#?}", self.audit().warnings);
    }
}

/// Change every value a little, of matrices whose name is meant.
fn scale(weights: &mut Weights, is_meant: impl Fn(&str) -> bool) {
    for (_, weight) in weights.iter_mut().filter(|(name, _)| is_meant(name)) {
        weight.values.iter_mut().for_each(|value| *value *= 1.004);
    }
}

fn audit(config: &StudyConfig, options: &Options) -> Audit {
    homolog_study::audit(config, options, &Silent).unwrap()
}

use AuditKind::{
    ConfigsDiffer, Identical, LikeAnotherStep, NotDescended, OutOfOrder, PartlyIdentical, TrainedStart, Unreadable,
};

#[test]
fn a_sound_family_raises_nothing() {
    let Some(family) = Family::new() else { return };
    let audit = family.audit();
    assert_eq!(audit.warnings, []);
    assert_eq!(audit.checkpoints.len(), 15);
    let of = &audit.checkpoints[6];
    assert_eq!((of.model.as_str(), of.checkpoint, of.n_tensors, of.n_values), ("b", Some(120), 52, 1_071_872));
    // What NumPy has for the same file.
    let (norm, distance, cosine) = (26.9418, 13.8625, 0.8628);
    let is_near = |found: Option<f64>, wanted: f64| (found.unwrap() - wanted).abs() < 6e-5;
    assert!(is_near(Some(of.norm), norm) && is_near(of.distance_before, distance) && is_near(of.cosine_before, cosine));
    let names: Vec<&str> = of.others.iter().map(|other| other.model.as_str()).collect();
    assert_eq!(names, ["a", "c"]);
    assert!(
        of.others.iter().all(|other| other.same_step.unwrap().abs() < 0.04 && other.step_before.unwrap().abs() < 0.04)
    );
}

#[test]
fn final_weights_under_an_earlier_name_are_found() {
    let Some(mut family) = Family::new() else { return };
    family.put(("a", 120), ("a", 1600));
    family.assert_warns(&[(Identical, "a", 120), (OutOfOrder, "a", 120), (LikeAnotherStep, "a", 120)]);
    assert!(family.audit().warnings[0].message.contains("that of checkpoint 1600"));
    // Where the study has them under no other name, their place and their norms still tell.
    family.put(("a", 120), ("a", 670));
    family.leave_out(670);
    family.assert_warns(&[(OutOfOrder, "a", 120), (LikeAnotherStep, "a", 120)]);
    // At the first step only norms do, and the next does not lie where it should.
    family.put(("a", 120), ("a", 120));
    family.put(("a", 50), ("a", 670));
    family.assert_warns(&[(LikeAnotherStep, "a", 50), (OutOfOrder, "a", 120)]);
}

#[test]
fn an_earlier_step_under_the_last_name_is_found() {
    let Some(family) = Family::new() else { return };
    family.put(("c", 1600), ("c", 120));
    // Not quite the one that the study has: no value is the same.
    family.edit(("c", 1600), |_, weights| scale(weights, |_| true));
    let warnings = family.warnings();
    assert!(warnings.contains(&(LikeAnotherStep, "c".into(), 1600)), "{warnings:?}");
    assert!(warnings.iter().any(|warning| warning.0 == OutOfOrder && warning.1 == "c"), "{warnings:?}");
}

#[test]
fn exchanged_steps_are_named_once_as_a_pair() {
    let Some(family) = Family::new() else { return };
    for pair in STEPS.windows(2) {
        let [first, second] = [pair[0], pair[1]];
        family.put(("b", first), ("b", second));
        family.put(("b", second), ("b", first));
        let told = family.audit().warnings;
        let order: Vec<&AuditWarning> = told.iter().filter(|warning| warning.kind == OutOfOrder).collect();
        assert!(order.len() == 1 && order[0].checkpoint == Some(first), "{told:#?}");
        assert!(
            order[0].message.contains(&format!("it and checkpoint {second} stand in the wrong order")),
            "{told:#?}"
        );
        assert!(told.iter().all(|warning| warning.model == "b"), "{told:#?}");
        family.put(("b", first), ("b", first));
        family.put(("b", second), ("b", second));
    }
    family.assert_warns(&[]);
}

#[test]
fn a_model_that_does_not_descend_from_its_own_past_is_found() {
    let Some(family) = Family::new() else { return };
    for step in STEPS {
        family.put(("a", step), ("b", step));
        family.put(("b", step), ("a", step));
        // At the first step it is the second that comes from elsewhere.
        let seen = step.max(STEPS[1]);
        family.assert_warns(&[(NotDescended, "a", seen), (NotDescended, "b", seen)]);
        family.put(("a", step), ("a", step));
        family.put(("b", step), ("b", step));
    }
    // One first step for all: of the others' it is not the beginning.
    family.put(("b", 50), ("a", 50));
    family.put(("c", 50), ("a", 50));
    family.assert_warns(&[
        (Identical, "a", 50),
        (Identical, "b", 50),
        (NotDescended, "b", 120),
        (NotDescended, "c", 120),
    ]);
}

#[test]
fn one_file_of_another_step_is_found() {
    let Some(mut family) = Family::new() else { return };
    // As a shard of the final model would be.
    let (_, last) = read(&family.path(("a", 1600)));
    let is_first_half = |name: &str| name.starts_with("h.0.") || name.starts_with("h.1.");
    let take = |weights: &mut Weights, from: &Weights| {
        for (name, weight) in weights.iter_mut().filter(|(name, _)| is_first_half(name)) {
            weight.values.clone_from(&from[name].values);
        }
    };
    family.edit(("a", 280), |_, weights| take(weights, &last));
    let told = family.audit().warnings;
    assert_eq!((told[0].kind, told[0].checkpoint), (PartlyIdentical, Some(280)), "{told:#?}");
    assert!(told[0].message.starts_with("8 of 18 matrices"), "{}", told[0].message);
    assert!(told[0].message.contains("are those of checkpoint 1600"), "{}", told[0].message);
    assert!(told.iter().all(|warning| warning.model == "a" && warning.checkpoint == Some(280)), "{told:#?}");

    // A shard that the study has nowhere else: those matrices do not lie where they should.
    family.put(("a", 280), ("a", 280));
    family.leave_out(1600);
    family.edit(("a", 120), |_, weights| take(weights, &last));
    let told = family.audit().warnings;
    let order: Vec<&AuditWarning> = told.iter().filter(|warning| warning.kind == OutOfOrder).collect();
    assert!(order.len() == 1 && order[0].checkpoint == Some(120), "{told:#?}");
}

#[test]
fn a_trained_step_0_is_told_from_an_initialisation() {
    let Some(mut family) = Family::new() else { return };
    for model in MODELS {
        // A fair one: Gaussian matrices, gains 1, biases 0, of which step 50 need not descend here.
        let (shape, _) = read(&family.path((model, 50)));
        let mut weights = shape.random(u64::from(model.as_bytes()[0]), 0.02);
        for (name, weight) in &mut weights {
            if weight.shape.len() == 1 {
                weight.values.fill(if name.ends_with("weight") { 1.0 } else { 0.0 });
            }
        }
        shape.write(&family.path((model, 0)), &weights, &HALF);
    }
    family.steps = vec![0];
    family.assert_warns(&[]);
    family.put(("b", 0), ("b", 50));
    family.assert_warns(&[(TrainedStart, "b", 0)]);
    assert!(family.audit().warnings[0].message.contains("the gains of 9 of 9 layer norms"));
    // Gains reset: the tails of a long training still show.
    family.put(("b", 0), ("b", 1600));
    family.edit(("b", 0), |_, weights| {
        for (name, weight) in weights.iter_mut() {
            if weight.shape.len() == 1 && name.ends_with("weight") {
                weight.values.fill(1.0);
            }
            if weight.shape.len() == 2 {
                weight.values.iter_mut().step_by(50).for_each(|value| *value *= 5.0);
            }
        }
    });
    family.assert_warns(&[(TrainedStart, "b", 0)]);
    assert!(family.audit().warnings[0].message.contains("heavier tails"));
}

#[test]
fn configs_and_unreadable_checkpoints_are_all_told_in_one_call() {
    let Some(family) = Family::new() else { return };
    let config = family.path(("a", 280)).join("config.json");
    let text = fs::read_to_string(&config).unwrap();
    let mut json: serde_json::Value = serde_json::from_str(&text).unwrap();
    json["layer_norm_epsilon"] = 1e-6.into();
    json["n_head"] = 8.into();
    fs::write(&config, json.to_string()).unwrap();
    family.edit(("b", 120), |_, weights| weights.get_mut("wpe.weight").unwrap().values[3] = f32::NAN);
    fs::remove_file(family.path(("c", 1600)).join("model.safetensors")).unwrap();
    family.assert_warns(&[(ConfigsDiffer, "a", 280), (Unreadable, "b", 120), (Unreadable, "c", 1600)]);
    let audit = family.audit();
    assert_eq!(audit.checkpoints.len(), 13);
    for (warning, words) in audit.warnings.iter().zip(["n_head is 8, there 4", "wpe.weight", "checkpoint-1600"]) {
        assert!(warning.message.contains(words), "{}", warning.message);
    }
    assert!(audit.warnings[0].message.contains("layer_norm_epsilon is 1e-6"), "{}", audit.warnings[0].message);
}

#[test]
fn threads_change_nothing() {
    let Some(family) = Family::new() else { return };
    family.put(("a", 120), ("b", 1600));
    let with = |n: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(n).build().unwrap();
        pool.install(|| family.audit())
    };
    assert_eq!(with(1), with(4));
}

/// A random walk of a tiny model from an initialisation as GPT-2's.
fn walk(init_seed: u64, walk_seed: u64, n_steps: usize) -> Vec<Weights> {
    let shape = Gpt2Shape::tiny();
    let mut weights = shape.random(init_seed, 0.02);
    for (name, weight) in weights.iter_mut().filter(|(_, weight)| weight.shape.len() == 1) {
        weight.values.fill(if name.ends_with("weight") { 1.0 } else { 0.0 });
    }
    let mut steps = vec![weights];
    for step in 1..n_steps {
        let mut next = steps[step - 1].clone();
        let change = shape.random(1000 * walk_seed + step as u64, 0.01);
        for (name, weight) in &mut next {
            weight.values.iter_mut().zip(&change[name].values).for_each(|(value, change)| *value += change);
        }
        steps.push(next);
    }
    steps
}

/// A study of these models, each with its checkpoints from 0 on, that runs in no time.
fn world(models: &[(&str, Vec<Weights>)]) -> World {
    let shape = Gpt2Shape::tiny();
    let mut world = World::new(&random_rows(12, 12, shape.d_vocab, shape.bos, 1), 12);
    for (name, steps) in models {
        for (step, weights) in steps.iter().enumerate() {
            world.model(name, Some(step as i64), (&shape, weights), Layout::PLAIN);
        }
    }
    let steps: Vec<usize> = (0..models[0].1.len()).collect();
    world.add(&format!("[checkpoints]\nsteps = {steps:?}\n[ablation]\nenabled = false"));
    world
}

fn audit_of(world: &World) -> Audit {
    audit(&world.config().unwrap(), &world.options())
}

#[test]
fn random_walks_raise_nothing_and_siblings_are_a_note() {
    let apart = world(&[("a", walk(1, 1, 5)), ("b", walk(2, 2, 5))]);
    let audit = audit_of(&apart);
    assert_eq!(audit.warnings, []);
    assert!(audit.notes.iter().all(|note| !note.contains("share step 0")), "{:?}", audit.notes);
    // A crossed design: one initialisation, two orders of the data.
    let siblings = world(&[("a", walk(1, 1, 5)), ("b", walk(1, 2, 5)), ("c", walk(2, 1, 5))]);
    let audit = audit_of(&siblings);
    assert_eq!(audit.warnings, []);
    assert!(audit.notes.iter().any(|note| note.contains("share step 0") && note.contains("`a` and `b`")));
    // Models that never part are one model.
    let same = world(&[("a", walk(1, 1, 3)), ("b", walk(1, 1, 3))]);
    let found: Vec<_> = audit_of(&same).warnings.into_iter().map(|warning| (warning.kind, warning.model)).collect();
    assert_eq!(found, vec![(Identical, "a".to_owned()); 3]);
}

#[test]
fn a_matrix_that_never_changes_is_a_note_and_a_step_that_is_the_one_before_a_warning() {
    let mut frozen = walk(1, 1, 4);
    let positions = frozen[0]["wpe.weight"].clone();
    for weights in &mut frozen {
        *weights.get_mut("wpe.weight").unwrap() = positions.clone();
    }
    let mut late = walk(2, 2, 4);
    late[1] = late[0].clone();
    let audit = audit_of(&world(&[("a", frozen), ("b", late)]));
    assert!(
        audit.notes.iter().any(|note| note.contains("frozen") && note.contains("`wpe.weight`")),
        "{:?}",
        audit.notes
    );
    let found: Vec<_> =
        audit.warnings.iter().map(|warning| (warning.kind, &*warning.model, warning.checkpoint)).collect();
    assert_eq!(found, [(Identical, "b", Some(0))], "{:#?}", audit.warnings);
}

#[test]
fn two_models_without_steps_are_held_against_each_other() {
    let shape = Gpt2Shape::tiny();
    let (a, mut b) = (shape.random(1, 0.3), shape.random(2, 0.3));
    b.get_mut("h.1.mlp.c_fc.weight").unwrap().values.clone_from(&a["h.1.mlp.c_fc.weight"].values);
    let mut world = World::new(&random_rows(4, 12, shape.d_vocab, shape.bos, 1), 12);
    world.model("a", None, (&shape, &a), Layout::PLAIN);
    world.model("b", None, (&Gpt2Shape { eps: 1e-6, ..shape.clone() }, &b), HALF);
    // Halves of the same values are other values.
    assert_eq!(audit_of(&world).warnings.iter().map(|warning| warning.kind).collect::<Vec<_>>(), [ConfigsDiffer]);
    world.model("b", None, (&shape, &b), Layout::PLAIN);
    let warnings = audit_of(&world).warnings;
    assert_eq!((warnings.len(), warnings[0].kind), (1, PartlyIdentical), "{warnings:#?}");
    assert!(warnings[0].message.starts_with("1 of 10 matrices") && warnings[0].message.contains("those of `b`"));
}

#[test]
fn a_run_keeps_the_audit_finds_it_again_and_stops_with_strict() {
    let mut spoilt = walk(2, 2, 3);
    spoilt.swap(0, 1);
    let world = world(&[("a", walk(1, 1, 3)), ("b", spoilt)]);
    let strict = Options { strict: true, ..world.options() };
    let Err(Error::AuditWarns { warnings }) = world.run_with(&strict) else { panic!("it ran") };
    let wanted = audit_of(&world);
    assert!(
        !warnings.is_empty() && warnings.iter().all(|warning| warning.starts_with("b, checkpoint ")),
        "{warnings:?}"
    );
    assert_eq!(warnings.len(), wanted.warnings.len());
    let manifest = Manifest::read(&strict.output).unwrap().unwrap();
    assert!(manifest.audit.as_ref() == Some(&wanted) && !manifest.is_finished);
    assert_eq!(manifest.stages.iter().map(|stage| &*stage.stage).collect::<Vec<_>>(), ["audit"]);
    // Every tensor's digest is in the artifact.
    let artifact = fs::read_to_string(strict.output.join(&manifest.stages[0].artifact)).unwrap();
    assert_eq!(artifact.matches("\"digest\":").count(), 6 * 28);

    let run = world.run();
    assert_eq!(run.manifest().audit, Some(wanted));
    let said = |words: &str| run.said.iter().any(|line| line.contains(words));
    assert!(said("audit all checkpoints: skipped") && said("warning: b, checkpoint "), "{:?}", run.said);
    assert!(matches!(world.run_with(&strict), Err(Error::AuditWarns { .. })), "a finished run too");
    assert!(world.run_with(&world.options()).is_ok());
}
