//! How sure, by whom, against what: every column of evidence held against a twin in f64, and each comparison shown able to fail.

mod chance;
pub(crate) mod differences;
mod documents;
mod family;
mod intervals;
mod matching;
mod passes;
mod planted;
mod rules;
mod screened;
mod shared;
mod tokens;
mod trained;

use differences::Differences;
use family::{AS_IS, Settings, Study};

type Check = fn(&Study, &Settings) -> Differences;

#[track_caller]
fn holds_and_can_fail(check: Check, mutants: &[(Settings, &[&str])]) {
    differences::holds_and_can_fail(Study::of(), &AS_IS, check, mutants);
}

#[test]
fn intervals_leave_out_each_block() {
    let of_se = ["max_corr_se", "n_eff", "lead_se", "excess_se", "share_se", "n_blocks"];
    let of_ends = ["max_corr_low", "max_corr_high", "excess_low", "excess_high", "share_low", "share_high", "n_surely"];
    let of_best = ["max_corr_se", "lead", "excess_se"];
    holds_and_can_fail(
        intervals::check,
        &[
            (Settings { n_blocks: 19, ..AS_IS }, &of_se),
            // Of an interval of 90 %.
            (Settings { t: 1.729_132_812, ..AS_IS }, &of_ends),
            (Settings { rank: 1, ..AS_IS }, &of_best),
        ],
    );
}

#[test]
fn matches_are_chosen_on_one_half_and_measured_on_the_other() {
    let columns = ["cross_fitted_corr", "is_same_in_halves", "neurons.cross_fitted_corr", "cross_fitted_excess"];
    holds_and_can_fail(matching::check_halves, &[(Settings { n_runs: 8, ..AS_IS }, &columns)]);
}

#[test]
fn matches_within_layers_and_one_to_one() {
    holds_and_can_fail(
        matching::check_layers,
        &[
            (Settings { n_near: 0, ..AS_IS }, &["near_layers_corr", "near_layers_neuron"]),
            (Settings { n_near: 2, ..AS_IS }, &["near_layers_corr"]),
            (Settings { is_greedy: true, ..AS_IS }, &["one_to_one total"]),
        ],
    );
}

#[test]
fn mutual_matches_hubs_antipodes_and_cliques() {
    let columns = ["is_mutual", "n_matched_by", "is_antipodal", "n_mutual", "n_models_clique", "cliques"];
    holds_and_can_fail(matching::check_partners, &[(Settings { rank: 1, ..AS_IS }, &columns)]);
}

#[test]
fn what_tokens_and_positions_leave() {
    let of_token =
        ["corr_without_token", "corr_without_both", "token_share", "n_frequent_tokens", "frequent_token_share"];
    let of_position = ["corr_without_position", "mean_corr_without_both", "position_share", "token_position_share"];
    holds_and_can_fail(
        shared::check,
        &[(Settings { n_frequent: 6, ..AS_IS }, &of_token), (Settings { n_positions: 6, ..AS_IS }, &of_position)],
    );
}

#[test]
fn p_values_of_rotations() {
    let columns = ["p_rotation", "p_value", "nulls.mean", "nulls.sd", "nulls.greatest"];
    holds_and_can_fail(chance::check_rotations, &[(Settings { rotation_seed: 4, ..AS_IS }, &columns)]);
}

#[test]
fn discovery_rates() {
    holds_and_can_fail(chance::check_discoveries, &[(Settings { is_one_family: true, ..AS_IS }, &["q_bh", "q_by"])]);
}

#[test]
fn p_values_of_permuted_rows_and_of_untrained_models() {
    holds_and_can_fail(
        chance::check_other_nulls,
        &[
            (Settings { permutation_seed: 12, ..AS_IS }, &["p_permuted", "nulls.mean"]),
            (Settings { untrained: 5, ..AS_IS }, &["p_untrained", "nulls.greatest"]),
        ],
    );
}
