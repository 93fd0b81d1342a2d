use super::*;

#[test]
fn flat_numbers_lay_layers_end_to_end() {
    let neuron = NeuronId { layer: 2, index: 5 };
    assert_eq!((neuron.flat(40), neuron.to_string()), (85, "2.5".into()));
    assert!((0..200).all(|flat| NeuronId::from_flat(flat, 40).flat(40) == flat));
    assert_eq!(NeuronId::from_flat(85, 40), neuron);
    assert_eq!(NeuronId::from_flat(80, 40), NeuronId { layer: 2, index: 0 });
}

#[test]
fn neurons_are_ordered_by_layer_then_index() {
    assert!(NeuronId { layer: 0, index: 9 } < NeuronId { layer: 1, index: 0 });
    assert!(NeuronId { layer: 1, index: 0 } < NeuronId { layer: 1, index: 1 });
}
