use homolog_test::{Tol, assert_close};

use super::*;
use crate::FamilyConfig;

fn training(steps: u64, rest: &str) -> TrainingSection {
    let text = format!(
        "family.name = \"f\"\n[corpus]\nfiles = [\"a.txt\"]\ncontext = 8\n[seeds]\nboth = [1]\n[training]\nsteps = {steps}\n{rest}"
    );
    FamilyConfig::parse(&text, std::path::Path::new("f.toml")).expect("a family").training
}

#[test]
fn the_rate_rises_falls_and_ends_at_its_minimum() {
    let training = training(100, "learning_rate = 0.01\nmin_learning_rate = 0.001\nwarmup_steps = 10");
    let rates = [1, 5, 10, 55, 100].map(|step| learning_rate(&training, step));
    assert_close(&rates, &[0.001, 0.005, 0.01, 0.0055, 0.001], Tol { abs: 1e-15, rel: 0.0 });
    let falling: Vec<f64> = (10..=100).map(|step| learning_rate(&training, step)).collect();
    assert!(falling.windows(2).all(|pair| pair[1] < pair[0]));
}

#[test]
fn one_step_and_warm_up_alone_are_finite() {
    assert_eq!(learning_rate(&training(1, "learning_rate = 0.01"), 1), 0.01);
    assert_eq!(learning_rate(&training(4, "learning_rate = 0.01\nwarmup_steps = 4"), 4), 0.01);
}

#[test]
fn checkpoints_are_log_spaced_with_step_0_or_as_listed() {
    let of = |steps: &[u64], count, end| checkpoints(&CheckpointsSection { steps: steps.to_vec(), count }, end);
    assert_eq!(of(&[], 5, 1600), [0, 50, 119, 283, 673, 1600]);
    assert_eq!(of(&[], 1, 1600), [0, 1600]);
    assert_eq!(of(&[], 8, 3), [0, 1, 2, 3]);
    assert_eq!(of(&[], 3, 1), [0, 1]);
    assert_eq!(of(&[40, 0, 7], 5, 1600), [0, 7, 40]);
}
