//! Figures of how sure a run is: from what tables say, and none where they say nothing.

use super::*;
use crate::run::Rule;
use crate::test_run::{N, max_corr};

fn names(run: &Run) -> Vec<String> {
    figures(run).into_iter().map(|figure| figure.name).collect()
}

/// Place of the row of these words.
fn row(figure: &Figure, cells: &[(&str, &str)]) -> usize {
    let n = figure.data.n_rows();
    let is_here = |at: &usize| cells.iter().all(|(column, word)| words(figure, column)[*at] == *word);
    (0..n).find(is_here).unwrap_or_else(|| panic!("no {cells:?} in {}", figure.name))
}

#[test]
fn intervals_are_those_of_the_table_cut_where_shares_end() {
    let (_folder, mut run) = run(&Options::default());
    let all = figures(&run);
    let figure = named(&all, "fig13-intervals");
    let at = row(figure, &[("model", MODELS[1]), ("checkpoint", "200")]);
    let is_wanted = |row: &&homolog_results::EmergenceRow| {
        row.model == MODELS[1] && row.checkpoint == Some(200) && row.layer.is_none() && row.threshold == 0.5
    };
    let table = run.emergence.iter().find(is_wanted).unwrap();
    assert_eq!(numbers(figure, "share")[at], Some(table.share));
    assert_eq!(numbers(figure, "share_low")[at], Some((table.share - 0.1).max(0.0)));
    assert_eq!(numbers(figure, "share_high")[at], Some(table.share + 0.1));
    let of_all = |n: Option<u64>| n.map(|n| n as f64 / N as f64);
    assert_eq!(numbers(figure, "share_surely")[at], of_all(table.n_surely));
    assert_eq!(numbers(figure, "share_possibly")[at], of_all(table.n_possibly));
    assert!(figure.caption.contains("95 % interval over 64 blocks of rows"), "{}", figure.caption);
    // Of another rule no share has an interval.
    run.emergence.iter_mut().for_each(|row| (row.share_low, row.share_high) = (None, None));
    assert!(!names(&run).contains(&"fig13-intervals".to_owned()));
}

#[test]
fn what_having_been_chosen_adds_is_the_difference() {
    let (_folder, mut run) = run(&Options::default());
    let all = figures(&run);
    let figure = named(&all, "fig14-cross-fit");
    for panel in ["correlation", "correlation less baseline"] {
        let [raw, fitted] = ["chosen on all tokens", "chosen on the other half"].map(|series| {
            let at = row(figure, &[("quantity", panel), ("series", series), ("checkpoint", "10")]);
            numbers(figure, "corr")[at].unwrap()
        });
        assert!((raw - fitted - 0.01).abs() < 1e-6, "{panel}: {raw} {fitted}");
    }
    run.without_evidence();
    assert!(!names(&run).contains(&"fig14-cross-fit".to_owned()));
}

#[test]
fn what_is_left_is_of_the_same_matches() {
    let (_folder, mut run) = run(&Options::default());
    let all = figures(&run);
    let figure = named(&all, "fig15-what-matches-share");
    let value = |series| {
        let cells = [("quantity", "all neurons"), ("series", series), ("checkpoint", "0")];
        numbers(figure, "corr")[row(figure, &cells)].unwrap()
    };
    let of_model = |model: usize| {
        let others = (0..MODELS.len()).filter(|&other| other != model);
        // Of neuron 6 nothing is left, the constant one has no correlation.
        let corr =
            others.flat_map(|other| (0..N).filter(|&at| at != 6).filter_map(move |at| max_corr(model, other, 0, at)));
        let corr: Vec<f64> = corr.map(f64::from).collect();
        assert_eq!(corr.len(), 2 * (N - 2));
        corr.iter().sum::<f64>() / corr.len() as f64
    };
    let mean = (0..3).map(of_model).sum::<f64>() / 3.0;
    for (series, factor) in [("nothing", 1.0), ("token", 0.75), ("position", 0.9), ("both", 0.5)] {
        assert!((value(series) - factor * mean).abs() < 1e-6, "{series}: {} of {mean}", value(series));
    }
    run.models.iter_mut().for_each(|row| row.n_frequent_tokens = None);
    assert!(!names(&run).contains(&"fig15-what-matches-share".to_owned()));
}

#[test]
fn rules_stand_beside_each_other_as_far_as_they_were_asked() {
    let (_folder, mut run) = run(&Options::default());
    let share = |figure: &Figure, rule: &str| {
        numbers(figure, "share")[row(figure, &[("rule", rule), ("checkpoint", "200")])].unwrap()
    };
    let all = figures(&run);
    let figure = named(&all, "fig16-rules");
    assert_eq!(share(figure, "in a set of all models"), 2.0 / N as f64);
    assert_eq!(share(figure, "in such a set, its excess > 0.5"), 1.0 / N as f64);
    let flags = (0..3).flat_map(|model| run.neurons(model, 2).is_universal_fdr.clone());
    let wanted = flags.filter(|&is| is).count() as f64 / (3 * N) as f64;
    assert!(wanted > 0.0 && (share(figure, "q \u{2264} 0.05") - wanted).abs() < 1e-12);
    assert!(figure.caption.contains("2 sets of all models at step 200, 1 of them universal"), "{}", figure.caption);
    run.cliques.clear();
    run.without_evidence();
    let all = figures(&run);
    let rules = words(named(&all, "fig16-rules"), "rule").to_vec();
    assert!(rules.iter().all(|rule| rule == "excess > 0.5" || rule.starts_with("best match > 0.5")), "{rules:?}");
    assert!(!names(&run).contains(&"fig17-p-values".to_owned()));
}

#[test]
fn every_p_value_is_in_one_bin() {
    let (_folder, mut run) = run(&Options::default());
    let figure = |run: &Run| named(&figures(run), "fig17-p-values").clone();
    let found = figure(&run);
    assert_eq!(found.data.n_rows(), 3 * 20);
    let share: f64 = numbers(&found, "share")[..20].iter().flatten().sum();
    assert!((share - 1.0).abs() < 1e-12, "{share}");
    assert!(!found.caption.contains("own draws"));
    run.nulls[0].is_pooled = Some(false);
    assert!(figure(&run).caption.contains("In 1 of 18 layers"), "{}", figure(&run).caption);
    assert!(figure(&run).caption.contains("multiples of 1/2"));
}

#[test]
fn captions_name_the_rule_that_was_used() {
    let (_folder, mut run) = run(&Options::default());
    for (rule, words) in
        [(Rule::Fdr, "false discovery rate of 0.5"), (Rule::Count, "above 0.5 in at least 2 other models")]
    {
        run.settings.rule = rule;
        let all = figures(&run);
        for name in ["fig01-emergence-mean", "fig08-matched-layers"] {
            let caption = &named(&all, name).caption;
            assert!(caption.contains(words) && !caption.contains("excess"), "{caption}");
        }
        assert!(!named(&all, "fig09-thresholds").x.title.contains("excess"));
    }
}
