use super::*;

fn tally(output: &str) -> Tally {
    let mut tally = Tally::default();
    output.lines().for_each(|line| tally.read_line(line));
    tally
}

const TWO_BINARIES: &str = "
running 3 tests
test a ... ok

successes:

---- a stdout ----
SKIPPED: no fixtures
SKIPPED: no fixtures

---- b stdout ----
SKIPPED: no GPU
said `SKIPPED: not at the beginning of a line`

successes:
    a

test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s

successes:

---- c stdout ----
SKIPPED: no fixtures

failures:

---- d stdout ----
SKIPPED: no disk

failures:
    d

test result: FAILED. 10 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 1.25s
";

#[test]
fn sums_results_and_counts_each_skipped_test_once() {
    let tally = tally(TWO_BINARIES);
    assert_eq!(tally.skipped, BTreeMap::from([("no fixtures".into(), 2), ("no GPU".into(), 1)]));
    assert_eq!(tally.summary(), "10 passed, 2 failed, 4 skipped");
}

#[test]
fn nothing_adds_up_to_nothing() {
    assert_eq!(tally("").summary(), "0 passed, 0 failed, 0 skipped");
}

#[test]
fn what_cargo_did_not_run_is_skipped_and_passes_no_test() {
    let mut tally = tally("test result: ok. 3 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out\n");
    tally.skip("no browser");
    assert_eq!(tally.summary(), "3 passed, 0 failed, 1 skipped");
}
