//! The same checkpoint on other tokens: how many universal neurons are found again where nothing else changes.

use homolog_results::RetestRow;
use homolog_stats::{Overlap, expected_retest, overlap, retest};

use super::Course;
use crate::stages::classify::{Standing, layers, members};

/// [layer, all first][step]; no steps where neither halves of the tokens nor standard errors are known.
pub(super) fn rows(course: &Course<'_>, threshold: f64) -> Vec<Vec<RetestRow>> {
    let rule = course.config.universality.rule;
    let d_mlp = course.d_mlp();
    let halves = course.standings.iter().map(|standing| {
        let of_half = |half: &Vec<Option<f64>>| members(rule, half, threshold);
        standing.halves.as_ref().map(|halves| halves.each_ref().map(of_half))
    });
    let halves: Vec<Option<[Vec<bool>; 2]>> = halves.collect();
    let row = |step: usize, layer: Option<u16>, neurons: &std::ops::Range<usize>| {
        let standing = course.standings[step];
        if halves[step].is_none() && standing.se.is_none() {
            return None;
        }
        let of_halves: Option<Overlap> =
            halves[step].as_ref().map(|[a, b]| overlap(&a[neurons.clone()], &b[neurons.clone()], d_mlp));
        Some(RetestRow {
            model: course.name(),
            checkpoint: course.inputs.steps[step],
            layer,
            threshold,
            n_half_a: of_halves.map(|of| of.n_from),
            n_half_b: of_halves.map(|of| of.n_to),
            n_both: of_halves.map(|of| of.n_both),
            retest: of_halves.and_then(|of| retest(&of)),
            retest_by_chance: of_halves.map(|of| of.expected_by_chance),
            retest_expected: expected(standing, neurons, threshold),
        })
    };
    let of_layer = |(layer, neurons): (Option<u16>, std::ops::Range<usize>)| {
        (0..halves.len()).filter_map(|step| row(step, layer, &neurons)).collect()
    };
    layers(course.n_neurons(), d_mlp).map(of_layer).collect()
}

fn expected(standing: &Standing, neurons: &std::ops::Range<usize>, threshold: f64) -> Option<f64> {
    let se = &standing.se.as_ref()?[neurons.clone()];
    let scores = &standing.scores[neurons.clone()];
    expected_retest(scores.iter().zip(se).filter_map(|(score, se)| Some(((*score)?, *se))), threshold)
}
