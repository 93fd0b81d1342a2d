//! A family of which it is known by construction which models share which neuron: cliques must be exactly those.

use std::collections::{BTreeMap, BTreeSet};

use homolog_results::{CliqueRow, NeuronRow};
use homolog_test::Seeded;
use homolog_test::planted::{N_ROWS, random_rows, shape, weights};
use homolog_test::tiny_gpt2::{Layout, Weights};

use crate::world::World;

const NAMES: [&str; 4] = ["a", "b", "c", "d"];
const D_MLP: usize = 320;
/// A shared neuron's correlation is 1 but for f32; of others it is at most 0.447 (module `homolog_test::planted`).
const SHARED: f64 = 0.999;

/// Flat neuron number in each model where a neuron was left as it is.
type Sets = Vec<BTreeMap<usize, u32>>;

/// Four models from one: in each, a quarter of the neurons re-initialised and all of a layer permuted. What a neuron writes that was
/// re-initialised anywhere is zero everywhere, so that all else is the same.
fn family() -> (Vec<Weights>, Sets) {
    let shape = shape();
    let (d, m) = (shape.d_model, shape.d_mlp);
    let base = weights(&shape, 1);
    let mut rng = Seeded::new(7);
    let mut models = vec![base.clone(); NAMES.len()];
    let mut sets = Sets::new();
    for layer in 0..shape.n_layers {
        let [c_fc, c_fc_bias, c_proj] =
            ["c_fc.weight", "c_fc.bias", "c_proj.weight"].map(|name| format!("h.{layer}.mlp.{name}"));
        let places: Vec<Vec<usize>> = NAMES.iter().map(|_| rng.permutation(m)).collect();
        let mut fresh = BTreeSet::new();
        for neuron in 0..m {
            let mut set = BTreeMap::new();
            for model in 0..NAMES.len() {
                let place = places[model][neuron];
                if rng.below(4) > 0 {
                    set.insert(model, (layer * m + place) as u32);
                } else {
                    fresh.insert((model, neuron));
                }
                let column: Vec<f32> = (0..d).map(|row| base[&c_fc].values[row * m + neuron]).collect();
                let norm = |values: &[f32]| values.iter().map(|x| x * x).sum::<f32>().sqrt();
                let (column, bias) = if fresh.contains(&(model, neuron)) {
                    let values = rng.gaussians_f32(d, 1.0);
                    let factor = norm(&column) / norm(&values);
                    (values.iter().map(|x| x * factor).collect(), base[&c_fc_bias].values[rng.below(m)])
                } else {
                    (column, base[&c_fc_bias].values[neuron])
                };
                let weights = &mut models[model];
                let values = &mut weights.get_mut(&c_fc).unwrap().values;
                (0..d).for_each(|row| values[row * m + place] = column[row]);
                weights.get_mut(&c_fc_bias).unwrap().values[place] = bias;
            }
            sets.push(set);
        }
        for neuron in 0..m {
            let is_fresh = (0..NAMES.len()).any(|model| fresh.contains(&(model, neuron)));
            let written = &base[&c_proj].values[neuron * d..(neuron + 1) * d];
            for (model, places) in places.iter().enumerate() {
                let values = &mut models[model].get_mut(&c_proj).unwrap().values;
                let row = &mut values[places[neuron] * d..(places[neuron] + 1) * d];
                if is_fresh { row.fill(0.0) } else { row.copy_from_slice(written) }
            }
        }
    }
    (models, sets)
}

#[test]
fn cliques_are_the_planted_sets() {
    let (models, sets) = family();
    let shape = shape();
    let mut world = World::new(&random_rows(N_ROWS, shape.n_ctx, shape.d_vocab, shape.bos, 3), shape.n_ctx);
    for (name, weights) in NAMES.iter().zip(&models) {
        world.model(name, None, (&shape, weights), Layout::PLAIN);
    }
    world.add("[windows]\ncheckpoints = \"none\"\n[ablation]\nenabled = false\n[evidence]\nenabled = false");
    let run = world.run();
    let mut cliques = BTreeMap::<u32, (BTreeMap<usize, u32>, CliqueRow)>::new();
    for row in run.table::<CliqueRow>() {
        let model = NAMES.iter().position(|name| *name == row.model).unwrap();
        let flat = u32::from(row.layer) * D_MLP as u32 + row.neuron;
        cliques.entry(row.clique).or_insert_with(|| (BTreeMap::new(), row)).0.insert(model, flat);
    }
    let of_size =
        |n: usize| -> BTreeSet<BTreeMap<usize, u32>> { sets.iter().filter(|set| set.len() == n).cloned().collect() };
    let found = |is: &dyn Fn(&CliqueRow) -> bool| -> BTreeSet<BTreeMap<usize, u32>> {
        cliques.values().filter(|(_, row)| is(row)).map(|(members, _)| members.clone()).collect()
    };
    // Those of all models are the universal ones, and the only ones that agree so well.
    let full = of_size(4);
    assert!(full.len() > 100 && of_size(3).len() > 100, "{} and {}", full.len(), of_size(3).len());
    assert_eq!(found(&|row| row.is_universal), full);
    assert_eq!(found(&|row| row.is_full && row.min_corr > SHARED), full);
    // A set of three is a clique by itself, unless chance gives it a fourth.
    let alone = found(&|row| row.n_models == 3 && row.min_corr > SHARED);
    assert!(alone.is_subset(&of_size(3)));
    for set in of_size(3).difference(&alone) {
        let holds_set =
            |members: &BTreeMap<usize, u32>| set.iter().all(|(model, flat)| members.get(model) == Some(flat));
        let (_, row) = cliques.values().find(|(members, _)| holds_set(members)).expect("within a larger clique");
        assert!(row.is_full && !row.is_universal && row.min_corr < 0.5, "{row:?}");
    }
    // What else there is agrees by chance.
    for (members, row) in cliques.values() {
        let is_planted = |set: &BTreeMap<usize, u32>| {
            set.len() > 1 && set.iter().filter(|of| members.get(of.0) == Some(of.1)).count() > 1
        };
        if !sets.iter().any(is_planted) {
            assert!(row.mean_corr < 0.5 && !row.is_universal, "{row:?}");
        }
    }
    for row in run.table::<NeuronRow>() {
        let model = NAMES.iter().position(|name| *name == row.model).unwrap();
        let flat = u32::from(row.layer) * D_MLP as u32 + row.neuron;
        let set = sets.iter().find(|set| set.get(&model) == Some(&flat));
        let n_shared = set.map_or(1, BTreeMap::len);
        assert!(row.n_mutual as usize >= n_shared - 1, "{row:?}");
        assert!(n_shared < 3 || row.n_models_clique as usize >= n_shared, "{row:?}");
        assert!(n_shared < 4 || (row.n_mutual, row.n_models_clique) == (3, 4), "{row:?}");
    }
}
