//! The study that is held against the twin, run once for all tests: its tables, and its activations in f64.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use homolog_results::{CliqueRow, EmergenceRow, MatchRow, ModelRow, NeuronRow, NullRow};
use homolog_test::planted::random_rows;
use homolog_test::reference_gpt2::pearson;
use homolog_test::tiny_gpt2::{Gpt2Shape, Layout, Weights};

use crate::slow::SlowModel;
use crate::world::{Run, World};

pub(super) const CONTEXT: usize = 12;
pub(super) const N_ROWS: usize = 60;
/// In the order of the study file, which is not that of the alphabet.
pub(super) const NAMES: [&str; 3] = ["b", "a", "c"];
/// Before training, and a step at which a and b have become alike, and c has some of their neurons.
pub(super) const STEPS: [i64; 2] = [0, 5];
/// What begins a row, and two that stand anywhere.
pub(super) const EXCLUDED: [u32; 3] = [60, 7, 8];
/// Neuron 0.5 of a is constant.
const CONSTANT: (&str, usize) = ("a", 5);

pub(super) const SETTINGS: &str = "[checkpoints]\nsteps = [0, 5]\n[correlation]\ntop_k = 6\n[baseline]\ndraws = 5\nseed = 3\n\
[nulls]\npermuted_rows = 2\nseed = 11\n\
[evidence]\nblocks = 20\ncandidates = 3\nfrequent_tokens = 8\nleast_token_count = 5\n\
[universality]\nthreshold = 0.1\nthresholds = [0.05, 0.3]\nfdr = 0.2\nfdr_family = \"model\"\n\
[windows]\ncheckpoints = \"none\"\n[ablation]\nenabled = false\n";

/// What the study file says, and how its words are understood; a mutant understands one of them otherwise.
#[derive(Clone, Copy)]
pub(super) struct Settings {
    pub(super) n_blocks: usize,
    /// At most, for the two halves.
    pub(super) n_runs: usize,
    /// Quantile 0.975 of Student's t with 19 degrees of freedom, one fewer than blocks (as printed in tables).
    pub(super) t: f64,
    pub(super) n_frequent: usize,
    /// After so many positions they begin anew.
    pub(super) n_positions: usize,
    /// Layers to either side that are near.
    pub(super) n_near: usize,
    /// Which match is held to be the best, from 0.
    pub(super) rank: usize,
    /// Whether neurons are matched one to one from the best correlation on, whatever is left for others.
    pub(super) is_greedy: bool,
    pub(super) rotation_seed: u64,
    pub(super) permutation_seed: u64,
    /// Step that p-values against the untrained models are taken from.
    pub(super) untrained: i64,
    /// Whether the hypotheses of all models are one family.
    pub(super) is_one_family: bool,
}

pub(super) const AS_IS: Settings = Settings {
    n_blocks: 20,
    n_runs: 16,
    t: 2.093_024_054,
    n_frequent: 8,
    n_positions: CONTEXT,
    n_near: 1,
    rank: 0,
    is_greedy: false,
    rotation_seed: 3,
    permutation_seed: 11,
    untrained: 0,
    is_one_family: false,
};

/// (model, other)
pub(super) type Pair = (usize, usize);

/// Every two models, each in turn the reference.
pub(super) fn pairs() -> impl Iterator<Item = Pair> {
    (0..NAMES.len()).flat_map(|a| (0..NAMES.len()).filter(move |&b| b != a).map(move |b| (a, b)))
}

/// What a run found, in the order of neurons.
pub(super) struct Found {
    pub(super) models: Vec<ModelRow>,
    pub(super) neurons: BTreeMap<(usize, i64), Vec<NeuronRow>>,
    pub(super) matches: BTreeMap<(Pair, i64), Vec<MatchRow>>,
    pub(super) emergence: Vec<EmergenceRow>,
    pub(super) cliques: Vec<CliqueRow>,
    pub(super) nulls: Vec<NullRow>,
}

impl Found {
    pub(super) fn read(run: &Run) -> Self {
        let place = |name: &str| NAMES.iter().position(|other| *other == name).unwrap();
        let mut neurons = BTreeMap::<_, Vec<NeuronRow>>::new();
        for row in run.table::<NeuronRow>() {
            neurons.entry((place(&row.model), row.checkpoint.unwrap())).or_default().push(row);
        }
        let mut matches = BTreeMap::<_, Vec<MatchRow>>::new();
        for row in run.table::<MatchRow>() {
            let pair = (place(&row.model), place(&row.other));
            matches.entry((pair, row.checkpoint.unwrap())).or_default().push(row);
        }
        Self { models: run.table(), neurons, matches, emergence: run.table(), cliques: run.table(), nulls: run.table() }
    }
}

/// One step in f64.
pub(super) struct Slow {
    pub(super) step: i64,
    /// [model][neuron][counted token]
    pub(super) activations: Vec<Vec<Vec<f64>>>,
    /// [model][neuron][position of all rows]
    pub(super) everywhere: Vec<Vec<Vec<f64>>>,
    /// [model]
    pub(super) d_mlp: Vec<usize>,
    /// Of every neuron the defined correlations with the other's, descending; ties by number.
    pub(super) ranked: BTreeMap<Pair, Vec<Vec<(f64, usize)>>>,
}

impl Slow {
    fn new(world: &World, rows: &[u16], step: i64) -> Self {
        let models = NAMES.map(|name| SlowModel::read(&world.path(&format!("{name}/checkpoint-{step}"))));
        let everywhere: Vec<Vec<Vec<f64>>> = models.iter().map(|model| model.activations(rows, CONTEXT, &[])).collect();
        let counted =
            |all: &Vec<f64>| all.iter().zip(rows).filter(|(_, id)| is_counted(**id)).map(|(x, _)| *x).collect();
        let activations: Vec<Vec<Vec<f64>>> =
            everywhere.iter().map(|model| model.iter().map(counted).collect()).collect();
        let mut ranked = BTreeMap::new();
        for (a, b) in pairs() {
            let of = |x: &Vec<f64>| {
                let others = activations[b].iter().enumerate();
                let mut corrs: Vec<(f64, usize)> = others.filter_map(|(j, y)| Some((pearson(x, y)?, j))).collect();
                corrs.sort_by(|x, y| y.0.total_cmp(&x.0).then(x.1.cmp(&y.1)));
                corrs
            };
            ranked.insert((a, b), activations[a].iter().map(of).collect());
        }
        let d_mlp = models.iter().map(|model| model.shape.d_mlp).collect();
        Self { step, activations, everywhere, d_mlp, ranked }
    }

    pub(super) fn n_neurons(&self, model: usize) -> usize {
        self.activations[model].len()
    }

    pub(super) fn best(&self, pair: Pair, neuron: usize, rank: usize) -> Option<(f64, usize)> {
        self.ranked[&pair][neuron].get(rank).copied()
    }

    /// Of two neurons; none where one is constant.
    pub(super) fn corr(&self, (a, b): Pair, i: usize, j: usize) -> Option<f64> {
        pearson(&self.activations[a][i], &self.activations[b][j])
    }

    /// The other models of one, in order.
    pub(super) fn others(model: usize) -> impl Iterator<Item = usize> {
        (0..NAMES.len()).filter(move |&other| other != model)
    }
}

pub(super) fn is_counted(id: u16) -> bool {
    !EXCLUDED.contains(&u32::from(id))
}

pub(super) struct Study {
    pub(super) rows: Vec<u16>,
    pub(super) steps: &'static [Slow],
    pub(super) found: Found,
}

impl Study {
    /// The run that all tests of this process share.
    pub(super) fn of() -> &'static Self {
        static STUDY: OnceLock<Study> = OnceLock::new();
        STUDY.get_or_init(|| Self::run(SETTINGS))
    }

    /// The family under these settings.
    pub(super) fn run(settings: &str) -> Self {
        static STEPS_OF_FAMILY: OnceLock<Vec<Slow>> = OnceLock::new();
        let rows = rows();
        let mut world = world(&rows);
        world.add(settings);
        let found = Found::read(&world.run());
        let steps = STEPS_OF_FAMILY.get_or_init(|| STEPS.map(|step| Slow::new(&world, &rows, step)).into());
        Self { rows, steps, found }
    }

    /// Ids of the counted tokens, and where each stands.
    pub(super) fn counted(&self) -> impl Iterator<Item = (usize, u16)> {
        self.rows.iter().copied().enumerate().filter(|(_, id)| is_counted(*id))
    }
}

pub(super) fn rows() -> Vec<u16> {
    random_rows(N_ROWS, CONTEXT, 61, Some(60), 1)
}

/// The models of the family, one of which has another shape, and no section that says what is asked of them.
pub(super) fn world(rows: &[u16]) -> World {
    let tiny = Gpt2Shape::tiny();
    let deep = Gpt2Shape { d_mlp: 24, n_layers: 3, ..tiny.clone() };
    let mut world = World::new(rows, CONTEXT);
    world.text = world.text.replace("context = 12", "context = 12\nexclude_tokens = [60, 7, 8]");
    for name in NAMES {
        for step in STEPS {
            let shape = if name == "c" { &deep } else { &tiny };
            let mut weights = weights(name, step, shape);
            if name == CONSTANT.0 {
                constant_neuron(&mut weights, CONSTANT.1);
            }
            world.model(name, Some(step), (shape, &weights), Layout::PLAIN);
        }
    }
    world
}

fn weights(name: &str, step: i64, shape: &Gpt2Shape) -> Weights {
    let mut own = shape.random(10 * u64::from(name.as_bytes()[0]) + step as u64, 0.3);
    if step == 0 || name == "a" {
        return own;
    }
    let of_a = weights("a", step, &Gpt2Shape::tiny());
    for (part, weight) in &mut own {
        // Of c what its first layer reads and is.
        let is_shared =
            name == "b" || part.starts_with("h.0.") || ["wte.weight", "wpe.weight"].contains(&part.as_str());
        let is_of_neurons = part.ends_with("mlp.c_fc.weight") || part.ends_with("mlp.c_fc.bias");
        let Some(of_a) = of_a.get(part) else { continue };
        let mix = |own: &mut f32, of_a: f32| *own = 0.95 * of_a + 0.3 * *own;
        if is_shared && (weight.shape == of_a.shape || is_of_neurons) {
            let widths = [&*weight, of_a].map(|weight| *weight.shape.last().unwrap());
            let rows = weight.values.chunks_exact_mut(widths[0]).zip(of_a.values.chunks_exact(widths[1]));
            rows.for_each(|(own, of_a)| own.iter_mut().zip(of_a).for_each(|(own, of_a)| mix(own, *of_a)));
        }
    }
    own
}

fn constant_neuron(weights: &mut Weights, index: usize) {
    let weight = weights.get_mut("h.0.mlp.c_fc.weight").unwrap();
    weight.values.iter_mut().skip(index).step_by(weight.shape[1]).for_each(|value| *value = 0.0);
}
