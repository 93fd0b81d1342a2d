//! Where what is found is not what the twin says, by column.

use std::collections::BTreeMap;
use std::fmt::Debug;

use homolog_test::{Tol, check_close};

/// By column: how many rows differ, and the first of them.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Differences(BTreeMap<&'static str, (usize, String)>);

impl Differences {
    pub(crate) fn tell(&mut self, column: &'static str, what: impl FnOnce() -> String) {
        let entry = self.0.entry(column).or_default();
        entry.0 += 1;
        if entry.0 == 1 {
            entry.1 = what();
        }
    }

    #[expect(clippy::needless_pass_by_value, reason = "of what is compared, a copy is at hand")]
    pub(crate) fn same<T: PartialEq + Debug>(&mut self, column: &'static str, got: T, want: T, at: &str) {
        if got != want {
            self.tell(column, || format!("{at}: {got:?}, the twin {want:?}"));
        }
    }

    /// Both undefined, or close.
    pub(crate) fn close(
        &mut self,
        column: &'static str,
        got: Option<impl Into<f64>>,
        want: Option<f64>,
        tol: Tol,
        at: &str,
    ) {
        let got = got.map(Into::into);
        let is_so = match (got, want) {
            (Some(got), Some(want)) => check_close(&[got], &[want], tol).is_ok(),
            (None, None) => true,
            _ => false,
        };
        if !is_so {
            self.tell(column, || format!("{at}: {got:?}, the twin {want:?}"));
        }
    }

    /// Both undefined, or not outside of `want`.
    pub(crate) fn within(
        &mut self,
        column: &'static str,
        got: Option<impl Into<f64>>,
        want: Option<[f64; 2]>,
        at: &str,
    ) {
        let got = got.map(Into::into);
        let is_so = match (got, want) {
            // Some columns are f32.
            (Some(got), Some([least, most])) => (least * (1.0 - 1e-7)..=most * (1.0 + 1e-7)).contains(&got),
            (None, None) => true,
            _ => false,
        };
        if !is_so {
            self.tell(column, || format!("{at}: {got:?}, the twin {want:?}"));
        }
    }

    pub(crate) fn columns(&self) -> Vec<&'static str> {
        self.0.keys().copied().collect()
    }
}

/// The run is what the twin says; and with a word of the study understood otherwise, these columns are not.
#[track_caller]
pub(crate) fn holds_and_can_fail<S, T>(
    study: &S,
    as_is: &T,
    check: fn(&S, &T) -> Differences,
    mutants: &[(T, &[&str])],
) {
    assert_eq!(check(study, as_is), Differences::default());
    for (at, (mutant, columns)) in mutants.iter().enumerate() {
        let found = check(study, mutant).columns();
        let missed: Vec<_> = columns.iter().filter(|column| !found.contains(column)).collect();
        assert!(missed.is_empty(), "mutant {at} goes unnoticed in {missed:?}, it shows in {found:?}");
    }
}
