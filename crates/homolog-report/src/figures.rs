//! The figures of a run: one file a kind, each from tables to a [`Figure`].
//!
//! The paper's five come for every model as the reference and for the family, whose lines are means over models with the range over
//! models around them; then what a referee asks for, and how sure it all is. A kind that a run has no rows for (no ablations, one checkpoint) is left out.

mod ablation;
mod balance;
mod correlation;
mod course;
mod emergence;
mod equal_damage;
mod facts;
mod family;
mod intervals;
mod matches;
mod persistence;
mod rules;
mod singles;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use crate::numbers::Spread;
use crate::{Data, Figure, Run, Values, Width};
use facts::Facts;
pub(crate) use matches::is_defined_without;

/// Every figure that the tables of `run` carry, in the order of their names.
pub fn figures(run: &Run) -> Vec<Figure> {
    let facts = Facts::of(run);
    let mut figures = Vec::new();
    for subject in facts.subjects() {
        figures.extend(emergence::by_layer(run, &facts, &subject));
        figures.extend(persistence::by_layer(run, &facts, &subject));
        figures.extend(ablation::losses(run, &facts, &subject));
        figures.extend(ablation::doses(run, &facts, &subject));
        figures.extend(ablation::efficiency(run, &facts, &subject));
        figures.extend(ablation::efficiency_by_layer(run, &facts, &subject));
        figures.extend(equal_damage::by_checkpoint(run, &facts, &subject));
        figures.extend(singles::first_order(run, &facts, &subject));
    }
    figures.extend(correlation::densities(run, &facts));
    figures.extend(correlation::against_baseline(run, &facts));
    figures.extend(correlation::matched_layers(run, &facts));
    figures.extend(emergence::thresholds(run, &facts));
    figures.extend(emergence::models_above(run, &facts));
    figures.extend(persistence::births_and_deaths(run, &facts));
    figures.extend(persistence::survival(run, &facts));
    figures.extend(course::losses(run, &facts));
    figures.extend(intervals::shares(run, &facts));
    figures.extend(matches::cross_fit(run, &facts));
    figures.extend(matches::shared(run, &facts));
    figures.extend(rules::compared(run, &facts));
    figures.extend(rules::p_values(run, &facts));
    figures.extend(balance::differences(run, &facts));
    figures.extend(family::claims(run, &facts));
    figures.sort_by(|a, b| a.name.cmp(&b.name));
    figures.into_iter().map(without_lone_panel).collect()
}

/// A figure that turned out to have one panel only, as a figure without panels.
fn without_lone_panel(figure: Figure) -> Figure {
    let n_panels = figure.facet.as_ref().map(|facet| {
        let column = figure.data.columns.iter().find(|column| column.name == facet.column);
        match column.map(|column| &column.values) {
            Some(Values::Words(words)) => words.iter().collect::<BTreeSet<_>>().len(),
            _ => 0,
        }
    });
    if n_panels == Some(1) { Figure { facet: None, width: Width::Column, ..figure } } else { figure }
}

/// `data` with the columns NAME, NAME_least, NAME_greatest and n (what they are over), missing where a value is.
fn with_spreads(data: Data, name: &str, values: &[Option<Spread>]) -> Data {
    let column = |of: fn(Spread) -> f64| values.iter().map(move |value| value.map(of)).collect::<Vec<Option<f64>>>();
    data.numbers(name, column(|value| value.mean))
        .numbers(&format!("{name}_least"), column(|value| value.least))
        .numbers(&format!("{name}_greatest"), column(|value| value.greatest))
        .numbers("n", column(|value| value.n as f64))
}
