//! What universal neurons are worth to the models of the family together.

use homolog_results::FamilyRow;

use super::{Family, Found, Quantity, Scale};
use crate::damage::{
    Damage, DoseDamage, crossing, dose, equal_multiple_of_resample, permutation_p, ratio, ratio_of_resample,
};
use crate::inputs::Inputs;

/// Damage of one kind of random sets in one mode at one step, by model; none for a model without universal neurons.
struct ByModel<'a>(Vec<Option<&'a Damage>>);

/// A quantity of models so weighted, as it is or in a resample of rows and draws.
type OfModels<'a> = fn(&ByModel<'a>, Option<usize>, &dyn Fn(usize) -> f64) -> Option<f64>;

impl Family {
    pub(super) fn impact<'a>(&self, inputs: &Inputs, damage: &'a [Damage]) -> Vec<FamilyRow> {
        let mut rows = Vec::new();
        for &checkpoint in &inputs.steps {
            let here: Vec<&'a Damage> = damage.iter().filter(|damage| damage.row.checkpoint == checkpoint).collect();
            let mut kinds: Vec<(&str, &str)> = Vec::new();
            for Damage { row, .. } in &here {
                if !kinds.contains(&(&row.mode, &row.control)) {
                    kinds.push((&row.mode, &row.control));
                }
            }
            let mut told = Vec::new();
            for (mode, control) in kinds {
                let of_model = |name: &String| {
                    let is_it = |damage: &&&Damage| {
                        damage.row.model == *name && damage.row.mode == mode && damage.row.control == control
                    };
                    here.iter().find(is_it).copied()
                };
                let by_model = ByModel(inputs.names.iter().map(of_model).collect());
                let n_models = by_model.0.iter().flatten().count();
                let found =
                    |of: OfModels<'a>| self.found(n_models, |which, weight| of(&by_model, which.resample(), weight));
                let mut push = |name: &'static str, control: Option<&str>, found: Found, p_value: Option<f64>| {
                    let place = Quantity { claim: "matter", name, from_checkpoint: None, checkpoint };
                    let (mode, control) = (Some(mode.to_owned()), control.map(str::to_owned));
                    let scale = if control.is_some() { Scale::Log } else { Scale::Plain };
                    rows.push(FamilyRow { mode, control, p_value, ..self.row(place, found, scale) });
                };
                // The same for every kind of random sets.
                if !told.contains(&mode) {
                    told.push(mode);
                    push("universal_delta_nats", None, found(ByModel::universal), None);
                }
                push("ratio", Some(control), found(ByModel::ratio), by_model.p_value());
                push("equal_multiple", Some(control), found(ByModel::equal_multiple), None);
            }
        }
        rows
    }
}

impl<'a> ByModel<'a> {
    /// Models that have universal neurons, and their weights.
    fn weighted(&self, weight: &dyn Fn(usize) -> f64) -> Vec<(&'a Damage, f64)> {
        let models = self.0.iter().enumerate().filter_map(|(model, damage)| Some(((*damage)?, weight(model))));
        models.filter(|of| of.1 > 0.0).collect()
    }

    /// Mean rise of the loss without universal neurons.
    fn universal(&self, resample: Option<usize>, weight: &dyn Fn(usize) -> f64) -> Option<f64> {
        mean(&self.weighted(weight), |damage| {
            Some(match resample {
                Some(resample) => damage.universal[resample],
                None => damage.row.universal_delta_nats,
            })
        })
    }

    /// Mean rise of the loss without random neurons, means over draws; none unless every model has this multiple.
    fn control(&self, multiple: u32, resample: Option<usize>, weight: &dyn Fn(usize) -> f64) -> Option<f64> {
        mean(&self.weighted(weight), |damage| {
            let dose = dose(&damage.doses, multiple)?;
            Some(match resample {
                Some(resample) => dose.resampled[resample],
                None => dose.mean(),
            })
        })
    }

    fn ratio(&self, resample: Option<usize>, weight: &dyn Fn(usize) -> f64) -> Option<f64> {
        let (universal, control) = (self.universal(resample, weight)?, self.control(1, resample, weight)?);
        match resample {
            Some(_) => Some(ratio_of_resample(universal, control)),
            None => ratio(universal, control),
        }
    }

    /// Where the mean curve reaches the mean damage; infinite where it does not by the greatest multiple that all models have.
    fn equal_multiple(&self, resample: Option<usize>, weight: &dyn Fn(usize) -> f64) -> Option<f64> {
        let level = self.universal(resample, weight)?;
        let mut multiples: Vec<u32> =
            self.0.iter().flatten().flat_map(|damage| &damage.doses).map(|dose| dose.multiple).collect();
        multiples.sort_unstable();
        multiples.dedup();
        let curve: Vec<(f64, f64)> = multiples
            .into_iter()
            .filter_map(|multiple| Some((f64::from(multiple), self.control(multiple, resample, weight)?)))
            .collect();
        match resample {
            Some(_) => Some(equal_multiple_of_resample(&curve, level)),
            // Of the family itself: not reached is not known.
            None => crossing(&curve, level),
        }
    }

    /// (1 + draws whose mean over models is as great as that of the universal neurons) / (1 + draws): the models' draws of one number together.
    fn p_value(&self) -> Option<f64> {
        let models: Vec<&Damage> = self.0.iter().flatten().copied().collect();
        let same_size = |damage: &&'a Damage| dose(&damage.doses, 1);
        let draws: Vec<&DoseDamage> = models.iter().map(same_size).collect::<Option<_>>()?;
        let n_draws = draws.iter().map(|dose| dose.draws.len()).min()?;
        let n = models.len() as f64;
        let universal = models.iter().map(|damage| damage.row.universal_delta_nats).sum::<f64>() / n;
        let of_draw = |draw: usize| draws.iter().map(|dose| dose.draws[draw]).sum::<f64>() / n;
        let mut means: Vec<f64> = (0..n_draws).map(of_draw).collect();
        means.sort_unstable_by(f64::total_cmp);
        permutation_p(universal, &means)
    }
}

/// None of no models, and where one has no value.
fn mean(models: &[(&Damage, f64)], of: impl Fn(&Damage) -> Option<f64>) -> Option<f64> {
    let total: f64 = models.iter().map(|model| model.1).sum();
    let sum: Option<f64> = models.iter().map(|(damage, weight)| Some(weight * of(damage)?)).sum();
    sum.filter(|_| total > 0.0).map(|sum| sum / total)
}
