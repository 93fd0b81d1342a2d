#![expect(clippy::unwrap_used, reason = "tests")]

use super::*;

fn line(step: u64) -> Line {
    let rates = Some(0.1 / step as f64);
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
    let write =
        |mut log: Log, steps: std::ops::RangeInclusive<u64>| steps.for_each(|step| log.push(&line(step)).unwrap());
    write(Log::open(&path, None).unwrap(), 1..=9);
    let want = std::fs::read(&path).unwrap();
    write(Log::open(&path, None).unwrap(), 1..=7);
    // Killed in the middle of a line, two steps behind the last state.
    let mut cut = std::fs::read(&path).unwrap();
    cut.truncate(cut.len() - 10);
    std::fs::write(&path, cut).unwrap();
    write(Log::open(&path, Some(5)).unwrap(), 6..=9);
    assert_eq!(std::fs::read(&path).unwrap(), want);
    // The mutant: another step to go on from.
    write(Log::open(&path, Some(4)).unwrap(), 6..=9);
    assert_ne!(std::fs::read(&path).unwrap(), want);
}
