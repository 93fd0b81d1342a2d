use super::*;

#[test]
fn every_epoch_has_every_row_once_in_another_order() {
    let (n_rows, batch_rows) = (23, 5);
    let mut order = DataOrder::new(7, n_rows);
    let rows: Vec<usize> = (1..=23).flat_map(|step| order.batch(step, batch_rows)).collect();
    let epochs: Vec<&[usize]> = rows.chunks(n_rows).collect();
    assert_eq!(epochs.len(), 5);
    for epoch in &epochs {
        let mut sorted = epoch.to_vec();
        sorted.sort_unstable();
        assert_eq!(sorted, (0..n_rows).collect::<Vec<_>>());
    }
    assert_ne!(epochs[0], epochs[1]);
}

#[test]
fn a_batch_depends_on_seed_and_step_alone() {
    let batch = |seed, steps: &[u64]| {
        let mut order = DataOrder::new(seed, 50);
        steps.iter().map(|&step| order.batch(step, 16)).next_back().expect("a step")
    };
    // Step 4 spans two epochs.
    assert_eq!(batch(1, &[4]), batch(1, &[1, 2, 3, 4]));
    assert_eq!(batch(1, &[4]), batch(1, &[9, 4]));
    assert_ne!(batch(1, &[4]), batch(2, &[4]));
}
