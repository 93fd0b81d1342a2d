//! The trained fixture family at its last checkpoint: every new column is there, and agrees with the others.

use std::collections::BTreeMap;
use std::fs;

use homolog_results::{CliqueRow, EmergenceRow, MatchRow, ModelRow, NeuronRow, NullRow};
use homolog_study::StudyConfig;
use homolog_test::require_fixtures;

use crate::world::{Run, options};

#[test]
fn a_trained_family_leaves_no_column_empty() {
    let fixtures = require_fixtures!();
    let path = fixtures.join("study.toml");
    let set = ["checkpoints.steps=[1600]", "ablation.enabled=false", "baseline.draws=5", "windows.checkpoints=none"];
    let set = set.map(String::from);
    let folder = tempfile::tempdir().unwrap();
    let config = StudyConfig::parse(&fs::read_to_string(&path).unwrap(), &path, &set).unwrap();
    let run = Run::of(&config, &options(&folder.path().join("run"))).unwrap();

    let matches = run.table::<MatchRow>();
    assert_eq!(matches.len(), 6 * 2048);
    for row in &matches {
        let [corr, se, low, high] =
            [row.max_corr, row.max_corr_se, row.max_corr_low, row.max_corr_high].map(|value| value.expect("defined"));
        assert!(low < corr && corr < high && se > 0.0 && (-1.0..=1.0).contains(&low) && high <= 1.0, "{row:?}");
        assert!(row.n_eff.unwrap() > 3.0, "{row:?}");
        // A lead has no sign but its own.
        assert!(row.lead.unwrap() >= 0.0 && row.lead_se.unwrap() > 0.0, "{row:?}");
        assert!(row.cross_fitted_corr.is_some() && row.is_same_in_halves.is_some(), "{row:?}");
        let (same, near) = (row.same_layer_corr.unwrap(), row.near_layers_corr.unwrap());
        assert!(same <= near && near <= corr && row.one_to_one_corr.unwrap() <= same, "{row:?}");
        let left = [row.corr_without_token, row.corr_without_position, row.corr_without_both];
        assert!(left.iter().all(|left| left.unwrap().abs() <= 1.0), "{row:?}");
        assert!((0.0..=1.0).contains(&row.p_rotation.unwrap()), "{row:?}");
        // Beyond 512 neurons and 5 draws, and not else.
        assert!(!row.p_is_fitted.unwrap() || row.p_rotation.unwrap() < 1.0 / 2561.0, "{row:?}");
        assert_eq!((row.p_permuted, row.p_untrained), (None, None), "{row:?}");
    }
    let mean = |of: &dyn Fn(&MatchRow) -> f32| {
        matches.iter().map(|row| f64::from(of(row))).sum::<f64>() / matches.len() as f64
    };
    let [whole, halves] = [mean(&|row| row.max_corr.unwrap()), mean(&|row| row.cross_fitted_corr.unwrap())];
    assert!(halves < whole, "what was not chosen for its luck is less: {halves} and {whole}");
    // Matches go both ways.
    let key = |row: &MatchRow| (row.model.clone(), row.other.clone(), row.layer, row.neuron);
    let by_key: BTreeMap<_, &MatchRow> = matches.iter().map(|row| (key(row), row)).collect();
    for row in matches.iter().filter(|row| row.is_mutual) {
        let partner = row.matched_layer.zip(row.matched_neuron).unwrap();
        let back = by_key[&(row.other.clone(), row.model.clone(), partner.0, partner.1)];
        assert!(back.is_mutual && back.n_matched_by > 0 && back.max_corr == row.max_corr, "{row:?}, {back:?}");
        assert_eq!((back.max_corr_se, back.n_eff), (row.max_corr_se, row.n_eff), "{row:?}");
    }

    let neurons = run.table::<NeuronRow>();
    let cliques = run.table::<CliqueRow>();
    for row in &neurons {
        let (low, high) = row.excess_low.zip(row.excess_high).unwrap();
        assert!((low..=high).contains(&row.excess_corr.unwrap()) && row.excess_se.unwrap() > 0.0, "{row:?}");
        let [token, position, both] =
            [row.token_share, row.position_share, row.token_position_share].map(|share| share.unwrap());
        let most = token.max(position) - 1e-9;
        assert!(
            token >= 0.0 && position >= 0.0 && (most..=1.0).contains(&both) && both <= token + position + 0.05,
            "{row:?}"
        );
        let (p, bh, by) = (row.p_value.unwrap(), row.q_bh.unwrap(), row.q_by.unwrap());
        assert!(0.0 < p && p <= bh && bh <= by && by <= 1.0, "{row:?}");
        assert!(row.mean_corr_without_both.is_some() && row.cross_fitted_excess.is_some(), "{row:?}");
        assert!((row.n_models_clique == 3) <= (row.n_mutual == 2), "{row:?}");
        let is_it = |of: &&CliqueRow| (&of.model, of.layer, of.neuron) == (&row.model, row.layer, row.neuron);
        assert_eq!(cliques.iter().filter(is_it).count(), usize::from(row.n_models_clique == 3), "{row:?}");
    }
    assert!(cliques.len() > 50 && cliques.iter().any(|row| row.is_universal), "{} rows", cliques.len());
    for row in &cliques {
        assert!(row.is_full && row.min_corr <= row.mean_corr && row.excess_corr < Some(row.mean_corr), "{row:?}");
    }
    for row in run.table::<EmergenceRow>() {
        let (low, high) = row.share_low.zip(row.share_high).unwrap();
        assert!((low..=high).contains(&row.share), "{row:?}");
        assert!(row.n_surely.unwrap() <= row.n_universal && row.n_universal <= row.n_possibly.unwrap(), "{row:?}");
    }
    for row in run.table::<ModelRow>() {
        assert_eq!((row.n_blocks, row.blocks_of.as_deref()), (Some(64), Some("rows")), "{row:?}");
        let share = row.frequent_token_share.unwrap();
        assert!(row.n_frequent_tokens.unwrap() > 10 && row.least_token_count.unwrap() >= 50 && share < 1.0, "{row:?}");
    }
    let nulls = run.table::<NullRow>();
    assert_eq!(nulls.len(), (6 + 3) * 4);
    for row in nulls {
        assert_eq!((row.null.as_str(), row.n_draws, row.n_maxima), ("rotation", 5, 5 * 512), "{row:?}");
        let is_tailed = [row.tail_from, row.tail_scale, row.tail_shape].map(|value| value.is_some());
        assert_eq!(is_tailed, [row.is_pooled.unwrap(); 3], "{row:?}");
        assert!(row.sd.unwrap() > 0.0 && row.mean.unwrap() < row.greatest.unwrap(), "{row:?}");
    }
}
