use super::*;

/// Neurons 0, 1, ... with these correlations, of which the best `n` are kept.
fn search(n: usize, corrs: &[f64]) -> MatchSearch {
    let mut extremes = Extremes::new(n);
    corrs.iter().enumerate().for_each(|(neuron, &corr)| extremes.push(corr, neuron as u32));
    MatchSearch::new(&extremes)
}

fn neurons(search: &MatchSearch) -> Vec<u32> {
    search.candidates().iter().map(|candidate| candidate.1).collect()
}

#[test]
fn a_match_is_as_sure_as_it_lies_above_what_was_left_out() {
    let mut search = search(3, &[0.1, 0.5, -0.2, 0.4, 0.3]);
    assert_eq!(search.asked().collect::<Vec<_>>(), [1, 3, 4, 2]);
    assert_eq!(search.margin(), f64::NEG_INFINITY, "nothing is known yet of how far a correlation may move");
    // All move by 0.02; 0.3 was the least that was kept.
    search.rescore(|neuron| [f64::NAN, 0.48, -0.25, 0.42, 0.32][neuron as usize], 1.0);
    assert_eq!((search.candidates()[0], search.lowest()), ((0.48, 1), Some((-0.25, 2))));
    assert!((search.margin() - (0.48 - 0.3) / 0.02).abs() < 1e-9, "{}", search.margin());
    // Narrowed, what is left out now counts as well, from the next tokens on.
    search.narrow(2, 0.01);
    assert_eq!(neurons(&search), [1, 3]);
    assert_eq!(search.margin(), f64::NEG_INFINITY);
    search.rescore(|neuron| [f64::NAN, 0.47, -0.25, 0.43][neuron as usize], 1.0);
    assert!((search.margin() - f64::min((0.47 - 0.3) / 0.02, (0.47 - 0.32) / 0.01)).abs() < 1e-9);
}

#[test]
fn narrowing_keeps_what_is_close_to_the_best() {
    let mut search = search(5, &[0.50, 0.49, 0.48, 0.3, 0.2, 0.1]);
    search.rescore(|neuron| [0.50, 0.49, 0.48, 0.3, 0.2, 0.1][neuron as usize], 1.0);
    assert_eq!(search.margin(), f64::INFINITY, "nothing moved");
    search.narrow(2, 0.03);
    assert_eq!(neurons(&search), [0, 1, 2]);
}

#[test]
fn the_best_of_all_needs_no_margin_and_the_best_of_none_has_none() {
    let mut all = search(4, &[0.3, 0.5, f64::NAN, 0.1]);
    all.rescore(|neuron| [0.4, 0.35, f64::NAN, 0.1][neuron as usize], 1.0);
    assert_eq!((all.margin(), all.candidates()[0]), (f64::INFINITY, (0.4, 0)));
    let none = search(4, &[f64::NAN; 3]);
    assert_eq!((none.margin(), none.asked().count()), (f64::NEG_INFINITY, 0));
    let mut gone = search(2, &[0.3, 0.2, 0.1]);
    gone.rescore(|_| f64::NAN, 1.0);
    assert_eq!((gone.margin(), gone.candidates().len(), gone.lowest()), (f64::NEG_INFINITY, 0, None));
}

#[test]
fn what_was_seen_on_some_tokens_is_not_taken_for_all() {
    let (mut seen, mut inflated) = (search(2, &[0.3, 0.2, 0.1]), search(2, &[0.3, 0.2, 0.1]));
    seen.rescore(|neuron| [0.31, 0.19, 0.1][neuron as usize], 1.0);
    inflated.rescore(|neuron| [0.31, 0.19, 0.1][neuron as usize], inflation(500, 1000));
    assert!((seen.margin() / inflated.margin() - 2.0_f64.sqrt()).abs() < 1e-9);
}

#[test]
fn what_is_offered_takes_its_place() {
    let mut search = search(2, &[0.3, 0.2, 0.1]);
    search.offer((0.25, 7));
    search.offer((0.31, 1));
    assert_eq!(search.candidates(), [(0.3, 0), (0.25, 7), (0.2, 1)]);
}
