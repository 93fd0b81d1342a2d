//! Damage, its controls and its intervals in words, and the family's numbers as one asks for them: figures, findings and methods say the same.

use homolog_results::{DamageRow, FamilyRow};

use crate::Run;

/// Kinds of random sets over all layers, and in print.
pub(crate) const CONTROLS: [(&str, &str); 3] =
    [("random", "random"), ("random_layer_matched", "random, same layers"), ("random_matched", "random, matched")];

/// With fewer draws than this the central part of them is no better than their range, and p-values are coarse.
pub(crate) const FEW_DRAWS: usize = 20;

/// Coverage of a run that does not say.
const LEVEL: f64 = 0.95;

/// Coverage of the intervals of damage and of the family, and share of the draws that bands hold: `ablation.level`.
pub(crate) fn level(run: &Run) -> f64 {
    let level = run.settings.table.get("ablation").and_then(|section| section.get("level"));
    level.and_then(toml::Value::as_float).unwrap_or(LEVEL)
}

/// `95 %`
pub(crate) fn level_words(run: &Run) -> String {
    // Of 0.95 the product is not quite 95.
    format!("{} %", (1e4 * level(run)).round() / 100.0)
}

/// An interval as far as it goes: `1.2 to 3.4`, `1.2 or more, open above`, or that there is none. `unit` stands behind numbers, with its space.
pub(crate) fn ends(low: Option<f64>, high: Option<f64>, unit: &str, write: impl Fn(f64) -> String) -> String {
    match (low, high) {
        (Some(low), Some(high)) => format!("{} to {}{unit}", write(low), write(high)),
        (Some(low), None) => format!("{}{unit} or more, open above", write(low)),
        (None, Some(high)) => format!("up to {}{unit}, open below", write(high)),
        (None, None) => "interval undefined".to_owned(),
    }
}

/// A share of one as a percentage, without its sign.
pub(crate) fn hundredths(value: f64) -> String {
    format!("{:.1}", 100.0 * value)
}

/// A number of times.
pub(crate) fn times(value: f64) -> String {
    format!("{value:.1}")
}

/// `2.0 (95 % interval 1.4 to 3.0; without one model 1.8 to 2.4)`: what is undefined is said so, and without fewer than three models nothing of
/// leaving one out.
pub(crate) fn estimate(run: &Run, row: &FamilyRow, unit: &str, write: impl Fn(f64) -> String) -> Option<String> {
    let value = write(row.estimate?);
    let interval = match ends(row.low, row.high, unit, &write) {
        words if row.low.is_none() && row.high.is_none() => words,
        words => format!("{} interval {words}", level_words(run)),
    };
    let without = match (row.without_one_low, row.without_one_high) {
        (Some(least), Some(greatest)) => format!("; without one model {} to {}{unit}", write(least), write(greatest)),
        _ if row.n_models >= 3 => "; undefined without one of the models".to_owned(),
        _ => String::new(),
    };
    Some(format!("{value}{unit} ({interval}{without})"))
}

/// The family's row of a quantity, by the study's threshold.
pub(crate) fn family<'a>(
    run: &'a Run,
    quantity: &str,
    checkpoint: Option<i64>,
    (mode, control): (Option<&str>, Option<&str>),
) -> Option<&'a FamilyRow> {
    let is_wanted = |row: &&FamilyRow| {
        let is_place = row.quantity == quantity && row.checkpoint == checkpoint && row.threshold == run.threshold();
        is_place && row.mode.as_deref() == mode && row.control.as_deref() == control
    };
    run.family.iter().find(is_wanted)
}

/// What one kind of random sets says of one model.
pub(crate) fn damage<'a>(
    run: &'a Run,
    (model, checkpoint): (&str, Option<i64>),
    (mode, control): (&str, &str),
) -> Option<&'a DamageRow> {
    let is_wanted = |row: &&DamageRow| {
        let is_place = row.model == model && row.checkpoint == checkpoint && row.threshold == run.threshold();
        is_place && row.mode == mode && row.control == control
    };
    run.damage.iter().find(is_wanted)
}

/// Equal multiple and the ends of its interval. A lower end that even the greatest multiple does not reach lies beyond it: it is that multiple at
/// least, which is not to say that nothing is known.
pub(crate) fn equal_multiple(row: &DamageRow) -> [Option<f64>; 3] {
    let beyond = || row.equal_multiple_reached.and(row.greatest_multiple).map(f64::from);
    [row.equal_multiple, row.equal_multiple_low.or_else(beyond), row.equal_multiple_high]
}

/// The greatest multiple that every model has of a kind of random sets, among those with universal neurons.
pub(crate) fn common_multiple(run: &Run, checkpoint: Option<i64>, (mode, control): (&str, &str)) -> Option<u32> {
    let models = run.model_names().iter().filter_map(|model| damage(run, (model, checkpoint), (mode, control)));
    models.filter_map(|row| row.greatest_multiple).min()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::test_run::{self, Options, impact::family_row};

    #[test]
    fn what_an_interval_lacks_is_said() {
        let words = |low, high| ends(low, high, "", times);
        assert_eq!(words(Some(1.25), Some(3.0)), "1.2 to 3.0");
        assert_eq!(words(Some(1.0), None), "1.0 or more, open above");
        assert_eq!(words(None, Some(2.0)), "up to 2.0, open below");
        assert_eq!(words(None, None), "interval undefined");
    }

    #[test]
    fn an_estimate_comes_with_its_interval_and_without_each_model() {
        let folder = tempfile::tempdir().unwrap();
        let mut run = test_run::open(folder.path(), &Options::default());
        let mut row = family_row(("matter", "ratio"), (None, Some(200)), Some("random"), [2.0, 1.5, 3.0, 1.8, 2.5]);
        let words = |run: &Run, row: &FamilyRow| estimate(run, row, "", times);
        let whole = "2.0 (95 % interval 1.5 to 3.0; without one model 1.8 to 2.5)";
        assert_eq!(words(&run, &row).as_deref(), Some(whole));
        run.settings.table["ablation"].as_table_mut().unwrap().insert("level".to_owned(), 0.9.into());
        assert_eq!(words(&run, &row).as_deref(), Some(whole.replace("95", "90").as_str()));
        (row.low, row.high, row.without_one_low) = (None, None, None);
        let lacking = "2.0 (interval undefined; undefined without one of the models)";
        assert_eq!(words(&run, &row).as_deref(), Some(lacking));
        row.n_models = 2;
        assert_eq!(words(&run, &row).as_deref(), Some("2.0 (interval undefined)"));
        row.estimate = None;
        assert_eq!(words(&run, &row), None);
    }

    #[test]
    fn what_is_not_reached_is_at_least_what_was_measured() {
        let row = |low: Option<f64>, reached: Option<f64>| DamageRow {
            equal_multiple_low: low,
            equal_multiple_reached: reached,
            greatest_multiple: Some(80),
            ..DamageRow::default()
        };
        assert_eq!(equal_multiple(&row(Some(3.0), Some(0.9))), [None, Some(3.0), None]);
        assert_eq!(equal_multiple(&row(None, Some(0.01))), [None, Some(80.0), None]);
        assert_eq!(equal_multiple(&row(None, None)), [None; 3], "the universal neurons cost nothing");
    }

    #[test]
    fn the_familys_rows_are_those_of_the_studys_threshold() {
        let folder = tempfile::tempdir().unwrap();
        let mut run = test_run::open(folder.path(), &Options::default());
        let ratio = |run: &Run, control| family(run, "ratio", Some(200), (Some("zero"), Some(control))).cloned();
        assert_eq!(ratio(&run, "random_matched").unwrap().estimate, Some(2.0));
        assert_eq!(ratio(&run, "random").unwrap().estimate, Some(5.0));
        assert!(family(&run, "share", Some(200), (None, None)).is_some());
        assert!(family(&run, "share", Some(200), (Some("zero"), None)).is_none());
        run.family.iter_mut().for_each(|row| row.threshold = 0.25);
        assert!(ratio(&run, "random").is_none());
    }
}
