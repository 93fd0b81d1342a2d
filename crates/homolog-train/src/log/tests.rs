#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;

fn line(step: u64) -> Line {
    let rates = Some(0.1 / (step + 1) as f64);
    Line {
        step,
        tokens: 8 * step,
        learning_rate: rates,
        train_loss_nats: rates,
        gradient_norm: rates,
        held_out_loss_nats: None,
    }
}

#[test]
fn a_resumed_log_has_the_bytes_of_one_that_was_not_interrupted() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.jsonl");
    let state = folder.path().join("state.safetensors");
    let open = |step| Log::open(&path, step, &state);
    let write = |mut log: Log, steps: std::ops::RangeInclusive<u64>| {
        steps.for_each(|step| log.push(&line(step)).unwrap());
    };
    write(open(None).unwrap(), 0..=9);
    let want = std::fs::read(&path).unwrap();
    write(open(None).unwrap(), 0..=7);
    // Killed in the middle of a line, two steps behind the last state.
    let mut cut = std::fs::read(&path).unwrap();
    cut.truncate(cut.len() - 10);
    std::fs::write(&path, cut).unwrap();
    write(open(Some(5)).unwrap(), 6..=9);
    assert_eq!(std::fs::read(&path).unwrap(), want);
    // A state that is ahead of the log cannot go on: the gap would stay.
    let error = open(Some(10)).err().unwrap().to_string();
    assert!(error.contains("state.safetensors") && error.contains("lacks step 10"), "{error}");
    // The mutant: another step to go on from.
    write(open(Some(4)).unwrap(), 6..=9);
    assert_ne!(std::fs::read(&path).unwrap(), want);
}
