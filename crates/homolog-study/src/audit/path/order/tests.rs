#![expect(clippy::unwrap_used, reason = "tests")]

use homolog_model::squared_distance;
use homolog_test::Seeded;

use super::*;

const N: usize = 20_000;

fn triple([a, b, c]: [&[f32]; 3]) -> Triple {
    let zero = vec![0.0; N];
    Triple {
        norms: [a, b, c].map(|v| squared_distance(v, &zero)),
        distances: [squared_distance(a, b), squared_distance(b, c), squared_distance(a, c)],
    }
}

fn sum(a: &[f32], b: &[f32], share: f32) -> Vec<f32> {
    a.iter().zip(b).map(|(a, b)| a + share * b).collect()
}

/// Three steps of a course, by what is added in each.
fn course(start: &[f32], first: &[f32], second: &[f32]) -> [Vec<f32>; 3] {
    let middle = sum(start, first, 1.0);
    [start.to_vec(), middle.clone(), sum(&middle, second, 1.0)]
}

#[track_caller]
fn assert_shortfall(steps: &[Vec<f32>; 3], order: [usize; 3], wanted: f64) {
    let found = triple(order.map(|step| &*steps[step])).sides().unwrap().map(shortfall);
    assert!((found[0] - wanted).abs() < 0.03, "{order:?}: {found:?}, not {wanted}");
    // Angles say the same by their sign.
    assert!(found[1] * wanted > 0.0, "{order:?}: {found:?}");
}

#[test]
fn walks_and_lines_are_in_order_and_their_exchanges_are_not() {
    let mut seeded = Seeded::new(6);
    let mut gaussian = || seeded.gaussians_f32(N, 1.0);
    let (start, a, b) = (gaussian(), gaussian(), gaussian());
    let walk = course(&start, &a, &b);
    assert_shortfall(&walk, [0, 1, 2], 1.0 - 2.0_f64.sqrt());
    assert_shortfall(&walk, [0, 2, 1], 2.0_f64.sqrt() - 1.0);
    assert_shortfall(&walk, [1, 0, 2], 2.0_f64.sqrt() - 1.0);
    let line = course(&start, &a, &a);
    assert_shortfall(&line, [0, 1, 2], -1.0);
    assert_shortfall(&line, [0, 2, 1], 1.0);
    // A step after a thousand: the ratio of the outer side to the longer is nearly 1, and what tells is the share of the shorter.
    let short: Vec<f32> = b.iter().map(|v| 1e-3 * v).collect();
    let uneven = course(&start, &a, &short);
    let found = triple([0, 1, 2].map(|step| &*uneven[step])).sides().unwrap().map(shortfall);
    assert!(found.iter().all(|shortfall| shortfall.abs() < LEAST_SHORTFALL), "{found:?}");
}

#[test]
fn noise_that_is_new_at_every_step_is_no_disorder() {
    let mut seeded = Seeded::new(7);
    let still: Vec<Vec<f32>> = (0..3).map(|_| seeded.gaussians_f32(N, 1.0)).collect();
    let sides = triple([&still[0], &still[1], &still[2]]).sides().unwrap();
    assert!(sides.into_iter().all(|sides| shortfall(sides) < LEAST_SHORTFALL && ratio(sides) > MATRIX_MARGIN));
}

#[test]
fn equal_steps_have_no_order() {
    let a = Seeded::new(8).gaussians_f32(N, 1.0);
    let b = sum(&a, &a, 0.5);
    assert!(triple([&a, &a, &b]).sides().is_none());
}
