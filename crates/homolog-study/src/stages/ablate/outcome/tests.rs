use homolog_test::{Tol, assert_close};

use super::*;

const ROUNDING: Tol = Tol::abs(1e-12);

fn row(losses: [f32; 3], tops: [u32; 3], kl: f32) -> Vec<Prediction> {
    losses.iter().zip(tops).map(|(&loss, top)| Prediction { loss, kl, top }).collect()
}

/// Two rows of three predictions, clean and changed.
fn outcomes() -> (Outcome, Outcome) {
    let clean = [row([1.0, 2.0, 3.0], [4, 5, 6], 0.0), row([2.0, 2.0, 2.0], [1, 1, 1], 0.0)];
    let changed = [row([2.0, 2.5, 3.5], [4, 0, 6], 0.25), row([2.0, 1.0, 2.0], [1, 2, 3], 0.5)];
    let of = |rows: &[Vec<Prediction>; 2]| {
        Outcome::of_rows(rows.iter().zip(&clean).map(|(row, clean)| RowOutcome::of(row, clean)), 3)
    };
    (of(&clean), of(&changed))
}

#[test]
fn means_are_over_predictions() {
    let (clean, changed) = outcomes();
    assert_close(&[clean.loss_nats(), changed.loss_nats()], &[2.0, 13.0 / 6.0], ROUNDING);
    assert_close(&[clean.kl_nats(), changed.kl_nats()], &[0.0, 0.375], ROUNDING);
    assert_close(&[clean.top1_agreement(), changed.top1_agreement()], &[1.0, 0.5], ROUNDING);
}

#[test]
fn rises_of_rows_average_to_that_of_the_loss_and_split_by_position() {
    let (clean, changed) = outcomes();
    let rises = changed.rises(&clean);
    assert_close(&rises, &[2.0 / 3.0, -1.0 / 3.0], ROUNDING);
    let mean = rises.iter().sum::<f64>() / 2.0;
    assert_close(&[mean], &[changed.loss_nats() - clean.loss_nats()], ROUNDING);
    let (first, rest) = changed.split_rise(&clean);
    assert_close(&[first, rest.unwrap_or(f64::NAN)], &[0.5, 0.0], ROUNDING);
}

#[test]
fn columns_come_back_in_their_order() {
    let (_, changed) = outcomes();
    let columns = changed.columns().map(<[f64]>::to_vec);
    assert_eq!(Outcome::from_columns(3, columns), changed);
    assert_eq!(COLUMNS.len(), changed.columns().len());
}
