//! Worlds in which it is known by construction who is universal: the whole study must find exactly those.

use homolog_results::{AblationRow, EmergenceRow, MatchRow, NeuronRow, PersistenceRow, StabilityRow};
use homolog_test::planted::{N_ROWS, PlantedPair, null_pair, random_rows, shape, twin, weights};
use homolog_test::tiny_gpt2::Layout;

use crate::world::{Run, World};

const D_MLP: usize = 320;
/// A shared neuron's correlation is 1 but for f32; nobody else's comes near (module `homolog_test::planted`: at most 0.447).
const CORR_TOLERANCE: f32 = 1e-5;

/// A study of planted pairs, one a step.
fn study(pairs: &[(i64, &PlantedPair)]) -> World {
    let shape = shape();
    let rows = random_rows(N_ROWS, shape.n_ctx, shape.d_vocab, shape.bos, 3);
    let mut world = World::new(&rows, shape.n_ctx);
    for &(step, pair) in pairs {
        world.model("a", Some(step), (&shape, &pair.a), Layout::PLAIN);
        world.model("b", Some(step), (&shape, &pair.b), Layout::PLAIN);
    }
    let steps: Vec<i64> = pairs.iter().map(|pair| pair.0).collect();
    world.add(&format!("[checkpoints]\nsteps = {steps:?}"));
    world
}

/// The same truth from b's side.
fn partner_of_b(pair: &PlantedPair) -> Vec<Option<usize>> {
    let mut partner = vec![None; pair.partner.len()];
    for (of_a, of_b) in pair.partner.iter().enumerate() {
        if let Some(of_b) = of_b {
            partner[*of_b] = Some(of_a);
        }
    }
    partner
}

/// What is wrong with what a run found, held against the planted truth; empty if nothing is.
fn complaints(run: &Run, (step, pair): (i64, &PlantedPair)) -> Vec<String> {
    let (neurons, matches) = (run.table::<NeuronRow>(), run.table::<MatchRow>());
    let mut complaints = Vec::new();
    for (model, partner) in [("a", pair.partner.clone()), ("b", partner_of_b(pair))] {
        let is_here = |name: &str, checkpoint| name == model && checkpoint == Some(step);
        let neurons: Vec<_> = neurons.iter().filter(|row| is_here(&row.model, row.checkpoint)).collect();
        let matches: Vec<_> = matches.iter().filter(|row| is_here(&row.model, row.checkpoint)).collect();
        assert_eq!((neurons.len(), matches.len()), (partner.len(), partner.len()));
        for ((neuron, found), partner) in neurons.iter().zip(&matches).zip(&partner) {
            if neuron.is_universal != partner.is_some() {
                complaints.push(format!("universal? {neuron:?}"));
            }
            if let Some(partner) = partner {
                let matched = (found.matched_layer, found.matched_neuron);
                let is_matched = matched == (Some((partner / D_MLP) as u16), Some((partner % D_MLP) as u32));
                if !is_matched || (found.max_corr.unwrap() - 1.0).abs() > CORR_TOLERANCE {
                    complaints.push(format!("matched? {found:?}"));
                }
            }
        }
    }
    complaints
}

/// Two checkpoints, at which other halves of the neurons are shared: who persists is known as well.
#[test]
fn planted_neurons_are_found_and_no_others() {
    let base = weights(&shape(), 1);
    let pairs = [twin(&shape(), &base, 2), twin(&shape(), &base, 4)];
    let world = study(&[(10, &pairs[0]), (20, &pairs[1])]);
    let run = world.run();
    assert_eq!(complaints(&run, (10, &pairs[0])), Vec::<String>::new());
    assert_eq!(complaints(&run, (20, &pairs[1])), Vec::<String>::new());

    // The mutant: the truth of the one checkpoint is not that of the other.
    assert!(complaints(&run, (20, &pairs[0])).len() > 100);

    for row in run.table::<EmergenceRow>().iter().filter(|row| row.threshold == 0.5) {
        let (n_universal, n_neurons) = if row.layer.is_some() { (160, 320) } else { (320, 640) };
        assert_eq!((row.n_universal, row.n_neurons, row.share), (n_universal, n_neurons, 0.5), "{row:?}");
    }
    let shared = |model: &str, pair: &PlantedPair| {
        let partner = if model == "a" { pair.partner.clone() } else { partner_of_b(pair) };
        partner.iter().map(Option::is_some).collect::<Vec<bool>>()
    };
    let both = |model: &str, layer: Option<u16>| {
        let neurons = layer.map_or(0..640, |layer| usize::from(layer) * 320..(usize::from(layer) + 1) * 320);
        let [first, second] = [0, 1].map(|pair| shared(model, &pairs[pair]));
        (neurons.clone().filter(|&i| first[i] && second[i]).count(), neurons.filter(|&i| first[i] || second[i]).count())
    };
    let persistence = run.table::<PersistenceRow>();
    let persistence: Vec<_> = persistence.iter().filter(|row| row.threshold == 0.5).collect();
    assert_eq!(persistence.len(), 2 * 3);
    for row in persistence {
        let (n_both, n_either) = both(&row.model, row.layer);
        let n = if row.layer.is_some() { 160 } else { 320 };
        assert_eq!((row.n_from, row.n_to, row.n_both), (n, n, n_both as u64), "{row:?}");
        assert_eq!(row.persistence, Some(n_both as f64 / n as f64), "{row:?}");
        assert_eq!(row.jaccard, Some(n_both as f64 / n_either as f64), "{row:?}");
        // 160 of 320 at either checkpoint: 80 a layer.
        assert_eq!(row.expected_by_chance, if row.layer.is_some() { 80.0 } else { 160.0 }, "{row:?}");
        assert!(row.is_consecutive && row.is_from_first);
    }
    for row in run.table::<StabilityRow>().iter().filter(|row| row.threshold == 0.5) {
        let (n_both, n_either) = both(&row.model, row.layer);
        let n = if row.k == 1 { n_either } else { n_both };
        assert_eq!(row.n_universal_at_least_k, n as u64, "{row:?}");
    }

    // Neurons that are not shared write nothing in this world, so that silencing them costs exactly nothing.
    let ablation = run.table::<AblationRow>();
    for row in &ablation {
        if row.set.starts_with("random") {
            assert_eq!(row.delta_loss_nats, 0.0, "{row:?}");
            assert_eq!(row.multiple, Some(1), "half the neurons are universal: there is no second helping");
        } else {
            assert_ne!(row.delta_loss_nats, 0.0, "{row:?}");
        }
    }
    assert!(run.summary().contains("| 20 | b |"), "{}", run.summary());
    assert!(run.summary().contains("320 (50.00 %; 320 to 320)"), "{}", run.summary());
}

#[test]
fn a_null_world_has_no_universal_neuron_and_says_so() {
    let pair = null_pair(&shape(), 5);
    let world = study(&[(7, &pair)]);
    let run = world.run();
    let neurons = run.table::<NeuronRow>();
    assert_eq!(neurons.iter().filter(|row| row.is_universal).count(), 0);
    let highest = neurons.iter().max_by(|x, y| x.excess_corr.unwrap().total_cmp(&y.excess_corr.unwrap())).unwrap();
    let excess = highest.excess_corr.unwrap();
    let sentence = format!(
        "at checkpoint 7 no neuron of any model passes the threshold 0.5: the highest excess correlation is {excess:.4} \
         (model {}, neuron {}.{})",
        highest.model, highest.layer, highest.neuron
    );
    assert!(run.summary().contains(&sentence), "{}", run.summary());
    assert!(run.manifest().notes.iter().any(|note| note.contains(&sentence)));
    assert!(sentence.contains(homolog_results::notes::NONE_UNIVERSAL), "a report knows the note by it");
    // The threshold it names gives members.
    let named = run.summary().split("a threshold below it, such as ").nth(1).unwrap().split(',').next().unwrap();
    let named: f64 = named.parse().unwrap();
    assert!(named < excess && excess - named <= 0.0101, "{named} for {excess}");
    assert!(run.table::<EmergenceRow>().iter().all(|row| row.n_universal == 0 || row.threshold < 0.3));
    for row in run.table::<AblationRow>() {
        assert_eq!((row.n_neurons, row.delta_loss_nats, row.efficiency_nats), (0, 0.0, None), "{row:?}");
    }
}
