//! Windows of a whole study, held against activations captured by a pass of their own, in plain loops.

use std::collections::BTreeSet;
use std::fs;

use homolog_model::{Capture, Checkpoint, HookPoint, Model, Precision, TokenBatch};
use homolog_results::{MatchRow, NeuronRow, Tensors, VocabularyRow, read_tensors};
use homolog_study::{Finding, Outcome, Silent, dry_run, verify};
use homolog_test::planted::random_rows;
use homolog_test::tiny_gpt2::{Gpt2Shape, Layout, Weights};

use crate::world::{Run, World};

const CONTEXT: usize = 12;
const N_ROWS: usize = 60;
const NAMES: [&str; 3] = ["a", "b", "c"];
/// Neuron 0.5 of b is constant.
const CONSTANT: (usize, usize) = (1, 5);

/// Rows among which some return as they are, one begins as another and goes on differently, and one has nothing counted.
fn rows(shape: &Gpt2Shape) -> Vec<u16> {
    let mut rows = random_rows(N_ROWS, CONTEXT, shape.d_vocab, shape.bos, 1);
    for (from, to) in [(3, 10), (3, 11), (20, 41), (20, 59)] {
        rows.copy_within(from * CONTEXT..(from + 1) * CONTEXT, to * CONTEXT);
    }
    rows.copy_within(7 * CONTEXT..7 * CONTEXT + 9, 50 * CONTEXT);
    rows[30 * CONTEXT..31 * CONTEXT].fill(60);
    rows
}

fn constant_neuron(weights: &mut Weights, index: usize) {
    weights.get_mut("h.0.mlp.c_fc.bias").unwrap().values[index] = 0.0;
    let weight = weights.get_mut("h.0.mlp.c_fc.weight").unwrap();
    weight.values.iter_mut().skip(index).step_by(weight.shape[1]).for_each(|value| *value = 0.0);
}

/// Three models of different shapes at two checkpoints, without ablation.
fn family() -> World {
    let tiny = Gpt2Shape::tiny();
    let shapes = [tiny.clone(), Gpt2Shape { d_mlp: 24, n_layers: 3, ..tiny.clone() }, tiny.clone()];
    let mut world = World::new(&rows(&tiny), CONTEXT);
    for (model, (name, shape)) in NAMES.iter().zip(&shapes).enumerate() {
        for step in [1, 2] {
            let mut weights = shape.random(10 * (model as u64 + 1) + step as u64, 0.3);
            if model == CONSTANT.0 {
                constant_neuron(&mut weights, CONSTANT.1);
            }
            world.model(name, Some(step), (shape, &weights), Layout::PLAIN);
        }
    }
    world.text = world.text.replace("context = 12", "context = 12\nexclude_tokens = [60, 7, 8]");
    world.add("[checkpoints]\nsteps = [1, 2]\n[ablation]\nenabled = false");
    world
}

/// A neuron's activations, captured: [row][position].
struct Captured {
    d_mlp: usize,
    /// [layer][row][position][index]
    layers: Vec<Vec<f32>>,
}

impl Captured {
    fn of(world: &World, name: &str, step: i64, tokens: &[u16]) -> Self {
        let folder = world.path(&format!("{name}/checkpoint-{step}"));
        let model: Model = Checkpoint::open(&folder, &BTreeSet::new()).unwrap().load(Precision::F32).unwrap();
        let n_layers = model.config().n_layers;
        let mut capture = Capture::new((0..n_layers).map(HookPoint::mlp_post));
        let ids: Vec<u32> = tokens.iter().copied().map(u32::from).collect();
        model.forward(TokenBatch { ids: &ids, context: CONTEXT }, &mut capture);
        let layers = (0..n_layers).map(|layer| capture.get(HookPoint::mlp_post(layer)).to_vec()).collect();
        Self { d_mlp: model.config().d_mlp, layers }
    }

    fn n_neurons(&self) -> usize {
        self.layers.len() * self.d_mlp
    }

    fn at(&self, flat: usize, row: usize, position: usize) -> f32 {
        self.layers[flat / self.d_mlp][(row * CONTEXT + position) * self.d_mlp + flat % self.d_mlp]
    }
}

struct Windows {
    tensors: Tensors,
    top: usize,
    length: usize,
}

impl Windows {
    fn read(run: &Run, step_idx: usize, model: usize) -> Self {
        let tensors =
            read_tensors(&run.folder.join(format!("tensors/windows-{step_idx}-{model}.safetensors"))).unwrap();
        let shape = tensors.f32("activation").unwrap().0.to_vec();
        Self { tensors, top: shape[1], length: shape[2] }
    }

    fn u32s(&self, name: &str) -> Vec<u32> {
        self.tensors.u32(name).unwrap().1
    }

    fn f32s(&self, name: &str) -> Vec<f32> {
        self.tensors.f32(name).unwrap().1
    }
}

fn is_same(a: &[f32], b: &[f32]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.to_bits() == b.to_bits())
}

#[test]
fn windows_histograms_and_matches_are_what_a_pass_of_its_own_shows() {
    let mut world = family();
    world.add("[windows]\ntop = 6\ncontext = 8\npartner_windows = 2\nbins = 10");
    let run = world.run();
    let tokens = rows(&Gpt2Shape::tiny());
    let captured = NAMES.map(|name| Captured::of(&world, name, 2, &tokens));
    let is_counted = |row: usize, position: usize| ![60, 7, 8].contains(&tokens[row * CONTEXT + position]);
    let (neurons, matches) = (run.table::<NeuronRow>(), run.table::<MatchRow>());
    let (mut n_folded, mut n_matched) = (0, 0);
    for (model, own) in captured.iter().enumerate() {
        let found = Windows::read(&run, 1, model);
        assert_eq!((found.top, found.length), (6, 8));
        let [row, start, peak, n_duplicates, histogram] =
            ["row", "start", "peak", "n_duplicates", "histogram"].map(|name| found.u32s(name));
        let activation = found.f32s("activation");
        let of_model = |name: &str, step| name == NAMES[model] && step == Some(2);
        let neurons: Vec<_> = neurons.iter().filter(|row| of_model(&row.model, row.checkpoint)).collect();
        assert_eq!((row.len(), neurons.len()), (6 * own.n_neurons(), own.n_neurons()));
        for (flat, neuron) in neurons.iter().enumerate() {
            // The greatest counted activation of each row, its first position, and the text before it: best first, then by row.
            let mut candidates: Vec<(f32, usize, usize, usize, &[u16])> = Vec::new();
            let mut bins = vec![0; 10];
            for row in 0..N_ROWS {
                let mut best: Option<(f32, usize)> = None;
                for position in (0..CONTEXT).filter(|&position| is_counted(row, position)) {
                    let value = own.at(flat, row, position);
                    if best.is_none_or(|(best, _)| value > best) {
                        best = Some((value, position));
                    }
                    let unit = 10.0 / (neuron.act_max - neuron.act_min);
                    let bin = if unit.is_finite() { (f64::from(value) - neuron.act_min) * unit } else { 0.0 };
                    bins[(bin as usize).min(9)] += 1;
                }
                if let Some((value, peak)) = best {
                    let start = peak.saturating_sub(6).min(CONTEXT - 8);
                    candidates.push((value, row, start, peak, &tokens[row * CONTEXT + start..=row * CONTEXT + peak]));
                }
            }
            assert_eq!(histogram[flat * 10..][..10], bins, "{model}, neuron {flat}");
            candidates.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
            let mut wanted: Vec<(f32, usize, usize, usize, &[u16])> = Vec::new();
            for candidate in candidates {
                if wanted.len() < 6 && wanted.iter().all(|kept| kept.4 != candidate.4) {
                    wanted.push(candidate);
                }
            }
            for rank in 0..6 {
                let at = flat * 6 + rank;
                let activation = &activation[at * 8..][..8];
                let Some(&(value, of_row, from, top, _)) = wanted.get(rank) else {
                    assert_eq!([row[at], start[at], peak[at], n_duplicates[at]], [u32::MAX; 4]);
                    assert!(activation.iter().all(|value| value.is_nan()));
                    continue;
                };
                assert_eq!(
                    [row[at], start[at], peak[at]],
                    [of_row, from, top].map(|number| number as u32),
                    "{model}, {at}"
                );
                let whole: Vec<f32> = (from..from + 8).map(|position| own.at(flat, of_row, position)).collect();
                assert!(is_same(activation, &whole), "{model}, {at}");
                assert_eq!(activation[top - from], value);
                n_folded += n_duplicates[at];
            }
            for (other, partner) in captured.iter().enumerate().filter(|(other, _)| *other != model) {
                let read = found.f32s(&format!("partner.{other}.activation"));
                let matched = matches.iter().find(|row| {
                    let is_neuron =
                        (usize::from(row.layer), row.neuron as usize) == (flat / own.d_mlp, flat % own.d_mlp);
                    is_neuron && of_model(&row.model, row.checkpoint) && row.other == NAMES[other]
                });
                let matched = matched.unwrap();
                for rank in 0..2 {
                    let read = &read[(flat * 2 + rank) * 8..][..8];
                    let Some((layer, index)) = matched.matched_layer.zip(matched.matched_neuron) else {
                        assert!(read.iter().all(|value| value.is_nan()));
                        assert_eq!((model, flat), CONSTANT);
                        continue;
                    };
                    n_matched += 1;
                    let flat = usize::from(layer) * partner.d_mlp + index as usize;
                    let (_, of_row, from, ..) = wanted[rank];
                    let whole: Vec<f32> = (from..from + 8).map(|position| partner.at(flat, of_row, position)).collect();
                    assert!(is_same(read, &whole), "{model} in {other}, {flat}");
                }
            }
        }
        assert!(found.tensors.f32(&format!("partner.{model}.activation")).is_err());
        let metadata = found.tensors.metadata();
        assert_eq!((&*metadata["homolog.model"], &*metadata["homolog.checkpoint"]), (NAMES[model], "2"));
        assert_eq!(metadata["homolog.study_key"], run.manifest().study_key);
    }
    // All rows of one activation: they differ in their text, but for four.
    let constant = Windows::read(&run, 1, CONSTANT.0);
    assert_eq!(constant.u32s("row")[6 * CONSTANT.1..][..6], [0, 1, 2, 3, 4, 5]);
    let n_counted = run.manifest().n_tokens_counted as u32;
    assert_eq!(constant.u32s("histogram")[10 * CONSTANT.1..][..10], [n_counted, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    assert!(n_folded > 20 && n_matched > 800, "{n_folded} folded, {n_matched} matches");

    let kept = read_tensors(&run.folder.join("tensors/tokens.safetensors")).unwrap();
    let (shape, ids) = kept.u32("rows").unwrap();
    assert_eq!(shape, [N_ROWS, CONTEXT]);
    assert_eq!(ids, tokens.iter().copied().map(u32::from).collect::<Vec<_>>());
}

fn tensors(run: &Run) -> Vec<String> {
    let files = run.results().into_keys().filter(|file| file.starts_with("tensors/")).collect::<Vec<_>>();
    let recorded: BTreeSet<String> = run.manifest().tensors.into_iter().map(|file| file.path).collect();
    assert_eq!(files, recorded.into_iter().collect::<Vec<_>>(), "what is there is what the manifest tells of");
    files.iter().map(|file| file["tensors/".len()..].trim_end_matches(".safetensors").to_owned()).collect()
}

#[test]
fn windows_are_kept_where_the_study_asks() {
    let mut world = family();
    let last = ["histograms", "tokens", "topk", "windows-1-0", "windows-1-1", "windows-1-2"];
    assert_eq!(tensors(&world.run()), last);
    let resolved = fs::read_to_string(world.path("run/study.resolved.toml")).unwrap();
    assert!(resolved.contains("[windows]\ncheckpoints = \"final\"\ntop = 10\n"), "{resolved}");

    // Windows alone are made again, at the checkpoint that had none.
    world.add("[windows]\ncheckpoints = \"all\"");
    let all = world.run();
    assert_eq!(
        tensors(&all)[3..],
        ["windows-0-0", "windows-0-1", "windows-0-2", "windows-1-0", "windows-1-1", "windows-1-2"]
    );
    let is_skipped = |run: &Run, unit: &str| run.said.iter().any(|line| line.starts_with(&format!("{unit}: skipped")));
    for unit in ["correlate checkpoint 1", "windows a, checkpoint 2", "partners c, checkpoint 2"] {
        assert!(is_skipped(&all, unit), "{unit}: {:?}", all.said);
    }
    assert!(!is_skipped(&all, "windows a, checkpoint 1") && !is_skipped(&all, "partners c, checkpoint 1"));

    // Another null changes no window and no match.
    world.add("[baseline]\nseed = 5");
    let other_null = world.run();
    assert!(!is_skipped(&other_null, "correlate checkpoint 2"));
    assert!(is_skipped(&other_null, "windows b, checkpoint 1") && is_skipped(&other_null, "partners b, checkpoint 1"));

    world.text = world.text.replace("\"all\"", "\"all\"\npartner_windows = 0");
    let alone = world.run();
    assert!(Windows::read(&alone, 0, 0).tensors.names().iter().all(|name| !name.starts_with("partner")));
    assert!(alone.said.iter().all(|line| !line.starts_with("partners")), "{:?}", alone.said);

    world.text = world.text.replace("\"all\"\npartner_windows = 0", "\"none\"");
    let none = world.run();
    assert_eq!(tensors(&none), ["histograms", "topk"]);
    assert!(none.manifest().notes.iter().all(|note| !note.contains("vocabulary`")), "{:?}", none.manifest().notes);
    // Where there are none, their size is nothing.
    world.text = world.text.replace("\"none\"", "\"none\"\ntop = 3");
    assert!(matches!(world.run().outcome, Outcome::AlreadyDone { .. }));
}

#[test]
fn files_of_windows_are_verified_and_planned() {
    let world = family();
    let plan = dry_run(&world.config().unwrap(), &world.options(), &Silent).unwrap();
    assert!(plan.contains("forward at 1 of 2 checkpoints | 2 a model"), "{plan}");
    assert!(plan.contains("| follow neurons |"), "{plan}");
    let run = world.run();
    let spoiled = ["run/tensors/windows-1-2.safetensors", "run/tensors/tokens.safetensors"];
    for path in spoiled.map(|path| world.path(path)) {
        let mut bytes = fs::read(&path).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        fs::write(&path, bytes).unwrap();
    }
    let windows = run.manifest().stages.into_iter().rfind(|stage| stage.stage == "windows").unwrap();
    fs::remove_file(run.folder.join(&windows.artifact)).unwrap();
    let files = verify(&run.folder, &Silent).unwrap().files;
    let differs: Vec<_> = files.iter().filter(|file| file.finding == Finding::Differs).map(|file| &file.path).collect();
    assert_eq!(differs.len(), 2, "{differs:?}");
    let gone: Vec<_> = files.iter().filter(|file| matches!(file.finding, Finding::Unreadable(_))).collect();
    assert!(gone.len() == 1 && gone[0].what == "artifact", "{gone:?}");
    let status = homolog_study::status(&run.folder).unwrap();
    assert!(status.contains("| windows | c, checkpoint 2 |") && status.contains("| partners | a, checkpoint 2 |"));
}

#[test]
fn a_vocabulary_is_told_where_it_is_known() {
    let mut world = family();
    let run = world.run();
    assert!(!run.results().contains_key("tables/vocabulary.parquet"));
    assert!(run.summary().contains("there is no table `vocabulary`"), "{}", run.summary());
    assert!(run.manifest().notes.iter().any(|note| note.contains("there is no table `vocabulary`")));

    // The bytes of U+65E5 in two tokens, and as one.
    let mut vocab: Vec<String> = (0..60).map(|id| format!("t{id}")).collect();
    vocab[3] = "\u{e6}\u{139}".into();
    vocab[4] = "\u{a5}".into();
    vocab[5] = "\u{e6}\u{139}\u{a5}".into();
    vocab[6] = "\u{120}the".into();
    vocab.push("<|endoftext|>".into());
    let ids: serde_json::Map<_, _> = vocab.iter().cloned().zip((0..).map(serde_json::Value::from)).collect();
    fs::write(world.path("b/checkpoint-1/vocab.json"), serde_json::Value::from(ids).to_string()).unwrap();
    let run = world.run();
    let found = run.table::<VocabularyRow>();
    let record = run.manifest().tables.into_iter().next_back().unwrap();
    assert_eq!((record.name.as_str(), record.n_rows, found.len()), ("vocabulary", 61, 61));
    let text = |id: usize| (found[id].text.as_str(), found[id].is_utf8);
    let expected = [("\\xE6\\x97", false), ("\\xA5", false), ("\u{65e5}", true), (" the", true)];
    assert_eq!([3, 4, 5, 6].map(text), expected);
    assert_eq!(text(60), ("<|endoftext|>", true));
    let tokens = rows(&Gpt2Shape::tiny());
    for (id, row) in found.iter().enumerate() {
        let count = tokens.iter().filter(|&&token| usize::from(token) == id).count();
        assert_eq!((row.token as usize, row.count), (id, count as u64));
    }
    // Correlations do not depend on it, tables do.
    assert!(run.said.iter().any(|line| line.starts_with("correlate checkpoint 1: skipped")), "{:?}", run.said);
    assert!(run.manifest().notes.iter().all(|note| !note.contains("there is no table `vocabulary`")));
    world.add("[windows]\ncheckpoints = \"none\"");
    assert_eq!(world.run().table::<VocabularyRow>(), found, "with windows or without");
}
