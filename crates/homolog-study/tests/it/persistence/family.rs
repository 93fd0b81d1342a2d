//! A family of four checkpoints in which neurons become universal, stay or go; and its activations in f64.

use homolog_results::NeuronRow;
use homolog_test::planted::random_rows;
use homolog_test::reference_gpt2::pearson;
use homolog_test::tiny_gpt2::{Gpt2Shape, Layout, Weights};

use crate::slow::SlowModel;
use crate::world::{Run, World};

pub(super) const CONTEXT: usize = 12;
pub(super) const N_ROWS: usize = 48;
pub(super) const BOS: u16 = 60;
/// In the order of the study file, which is not that of the alphabet.
pub(super) const NAMES: [&str; 3] = ["b", "a", "c"];
pub(super) const STEPS: [i64; 4] = [1, 5, 20, 30];
/// How much the models have of what they share, by step, and how much of their own.
const SHARED: [(f32, f32); 4] = [(0.9, 0.4), (1.0, 0.2), (0.95, 0.3), (1.0, 0.15)];
/// Neuron 0.5 of a is constant.
const CONSTANT: (&str, usize) = ("a", 5);

/// What the study file says, and how its words are understood; a mutant understands one of them otherwise.
#[derive(Clone, Copy)]
pub(super) struct Settings {
    /// Blocks are of as many rows, and the halves take them in turn.
    pub(super) rows_of_block: usize,
    /// Standard errors in the spread of a difference of two estimates.
    pub(super) errors_of_difference: f64,
    pub(super) count_models: usize,
    pub(super) hysteresis: f64,
    /// By how many steps too early a checkpoint is looked up.
    pub(super) steps_earlier: usize,
    /// Rows over which neurons are held against themselves.
    pub(super) n_followed: usize,
    /// Whether input weights are rows of their matrix, not columns.
    pub(super) is_transposed: bool,
    /// Whether lives of the first checkpoint count as born there.
    pub(super) counts_first: bool,
}

pub(super) const AS_IS: Settings = Settings {
    rows_of_block: 3,
    errors_of_difference: std::f64::consts::SQRT_2,
    count_models: 2,
    hysteresis: 0.03,
    steps_earlier: 0,
    // 250 tokens, up to a whole row.
    n_followed: 21,
    is_transposed: false,
    counts_first: false,
};

const SETTINGS: &str = "[persistence]\nhysteresis = 0.03\ntokens = 250\n[evidence]\nblocks = 16\nfrequent_tokens = 0\n\
[windows]\ncheckpoints = \"none\"\n[ablation]\nenabled = false\n";
const EXCESS: &str = "[universality]\nthreshold = 0.1\nthresholds = [0.05, 0.2]\n";

pub(super) struct Study {
    pub(super) world: World,
    pub(super) run: Run,
    pub(super) rows: Vec<u16>,
    /// [model][step][neuron]
    pub(super) neurons: Vec<Vec<Vec<NeuronRow>>>,
    pub(super) thresholds: Vec<f64>,
    pub(super) is_by_count: bool,
}

impl Study {
    /// By the excess rule.
    pub(super) fn of() -> Self {
        Self::run(EXCESS)
    }

    pub(super) fn run(settings: &str) -> Self {
        Self::run_of(&STEPS, settings)
    }

    /// Without steps: of the last models alone.
    pub(super) fn run_of(steps: &[i64], settings: &str) -> Self {
        let rows = random_rows(N_ROWS, CONTEXT, 61, Some(u32::from(BOS)), 1);
        let mut world = world(&rows, steps);
        world.add(SETTINGS);
        world.add(settings);
        let run = world.run();
        let table: Vec<NeuronRow> = run.table();
        let checkpoints: Vec<Option<i64>> =
            if steps.is_empty() { vec![None] } else { steps.iter().copied().map(Some).collect() };
        let of = |name: &str, step: Option<i64>| -> Vec<NeuronRow> {
            table.iter().filter(|row| row.model == name && row.checkpoint == step).cloned().collect()
        };
        let neurons = NAMES.map(|name| checkpoints.iter().map(|&step| of(name, step)).collect()).into();
        let config = world.config().unwrap();
        let is_by_count = settings.contains("count_models");
        Self { world, run, rows, neurons, thresholds: config.thresholds().to_vec(), is_by_count }
    }

    /// What the rule holds against a threshold, from the tables.
    pub(super) fn score(&self, model: usize, step: usize, neuron: usize) -> Option<f64> {
        let row = &self.neurons[model][step][neuron];
        // Of three models the lower of two is the second largest.
        if self.is_by_count { row.min_corr } else { row.excess_corr }
    }

    /// [neuron]
    pub(super) fn set(&self, model: usize, step: usize, threshold: f64) -> Vec<bool> {
        let n = self.neurons[model][step].len();
        (0..n).map(|neuron| self.score(model, step, neuron).is_some_and(|score| score > threshold)).collect()
    }

    /// By name of the model and step, in f64: [neuron][counted token].
    pub(super) fn activations(&self, name: &str, step: i64) -> Vec<Vec<f64>> {
        let model = SlowModel::read(&self.world.path(&format!("{name}/checkpoint-{step}")));
        model.activations(&self.rows, CONTEXT, &[u32::from(BOS)])
    }
}

/// Layers (all first) and their flat neurons.
pub(super) fn layers() -> [(Option<u16>, std::ops::Range<usize>); 3] {
    [(None, 0..80), (Some(0), 0..40), (Some(1), 40..80)]
}

/// The largest correlation with a neuron of the other model; none if nothing is defined.
pub(super) fn best(x: &[f64], others: &[Vec<f64>]) -> Option<f64> {
    others.iter().filter_map(|other| pearson(x, other)).reduce(f64::max)
}

fn world(rows: &[u16], steps: &[i64]) -> World {
    let shape = Gpt2Shape::tiny();
    let mut world = World::new(rows, CONTEXT);
    world.text = world.text.replace("context = 12", "context = 12\nexclude_tokens = [60]");
    for name in NAMES {
        for (at, &step) in STEPS.iter().enumerate() {
            if steps.is_empty() && at > 0 {
                break;
            }
            let weights = weights(name, at, &shape);
            world.model(name, (!steps.is_empty()).then_some(step), (&shape, &weights), Layout::PLAIN);
        }
    }
    if !steps.is_empty() {
        world.add(&format!("[checkpoints]\nsteps = {steps:?}"));
    }
    world
}

fn weights(name: &str, step: usize, shape: &Gpt2Shape) -> Weights {
    let own_seed = u64::from(name.as_bytes()[0]);
    let shared = shape.random(7, 0.3);
    // What is a model's own changes from step to step, and c shares less than the others.
    let mut weights = shape.random(own_seed, 0.3);
    let now = shape.random(10 * own_seed + step as u64, 0.3);
    let (of_shared, of_own) = SHARED[step];
    let of_shared = if name == "c" { 0.7 * of_shared } else { of_shared };
    for (part, weight) in &mut weights {
        for ((value, shared), now) in weight.values.iter_mut().zip(&shared[part].values).zip(&now[part].values) {
            *value = of_shared * shared + of_own * (0.7 * *value + 0.7 * now);
        }
    }
    if name == CONSTANT.0 {
        let weight = weights.get_mut("h.0.mlp.c_fc.weight").unwrap();
        weight.values.iter_mut().skip(CONSTANT.1).step_by(weight.shape[1]).for_each(|value| *value = 0.0);
    }
    weights
}
