use super::*;

fn neurons(numbers: &[(usize, usize)]) -> Vec<NeuronId> {
    numbers.iter().map(|&(layer, index)| NeuronId { layer, index }).collect()
}

fn apply(ablate: &mut Ablate<'_>, layer: usize) -> Vec<f32> {
    // Two rows of two positions of three neurons.
    let mut values: Vec<f32> = (1..=12).map(|x| x as f32).collect();
    ablate.at(HookPoint::mlp_post(layer), Activation { values: &mut values, n_rows: 2, n_pos: 2, width: 3 });
    values
}

#[test]
fn ablated_neurons_take_their_value_at_every_position_and_no_other_does() {
    let set = neurons(&[(1, 2), (1, 0)]);
    let zero = apply(&mut Ablate::new(&set, Ablation::Zero, 2, 3), 1);
    assert_eq!(zero, [0.0, 2.0, 0.0, 0.0, 5.0, 0.0, 0.0, 8.0, 0.0, 0.0, 11.0, 0.0]);
    // By flat number: 1.0 is the fourth, 1.2 the sixth.
    let means = [-1.0, -2.0, -3.0, 0.25, -5.0, 0.75];
    let mean = apply(&mut Ablate::new(&set, Ablation::Mean(&means), 2, 3), 1);
    assert_eq!(mean, [0.25, 2.0, 0.75, 0.25, 5.0, 0.75, 0.25, 8.0, 0.75, 0.25, 11.0, 0.75]);
}

#[test]
fn a_value_by_position_is_that_of_the_position_in_every_row() {
    let set = neurons(&[(1, 2), (1, 0)]);
    // Of layer 1, two positions of three neurons.
    let values = vec![vec![f32::NAN; 6], vec![0.1, 0.2, 0.3, 0.4, 0.5, 0.6]];
    let found = apply(&mut Ablate::new(&set, Ablation::Zero, 2, 3).with(Ablation::ByPosition(&values)), 1);
    assert_eq!(found, [0.1, 2.0, 0.3, 0.4, 5.0, 0.6, 0.1, 8.0, 0.3, 0.4, 11.0, 0.6]);
}

#[test]
fn only_mlp_post_of_layers_with_an_ablated_neuron_is_wanted() {
    let ablate = Ablate::new(&neurons(&[(3, 0), (1, 2)]), Ablation::Zero, 4, 3);
    let wanted: Vec<HookPoint> = HookPoint::all(6).filter(|&point| ablate.wants(point)).collect();
    assert_eq!(wanted, [HookPoint::mlp_post(1), HookPoint::mlp_post(3)]);
    assert_eq!(ablate.first_layer(), Some(1));
}

#[test]
fn an_empty_set_wants_nothing() {
    for ablate in [Ablate::default(), Ablate::new(&[], Ablation::Zero, 4, 3)] {
        assert!(HookPoint::all(4).all(|point| !ablate.wants(point)));
        assert_eq!(ablate.first_layer(), None);
    }
}

#[test]
#[should_panic(expected = "neuron 4.0 of 4 x 3")]
fn a_layer_the_model_lacks_is_refused() {
    Ablate::new(&neurons(&[(4, 0)]), Ablation::Zero, 4, 3);
}

#[test]
#[should_panic(expected = "neuron 0.3 of 4 x 3")]
fn a_neuron_the_layer_lacks_is_refused() {
    Ablate::new(&neurons(&[(0, 3)]), Ablation::Zero, 4, 3);
}
