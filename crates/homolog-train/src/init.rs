//! Weights before the first step.

#[cfg(test)]
mod tests;

use homolog_model::{Config, Parameters};

use crate::stream::Stream;

/// Standard deviation of GPT-2's matrices (`initializer_range` of its config).
const SD: f64 = 0.02;

/// GPT-2's initialisation: matrices and embeddings Gaussian of sd 0.02, those that write to the residual stream divided by
/// sqrt(2 `n_layers`), biases 0, layer norms 1. Every weight has its own stream of (seed, its name).
///
/// Source: Radford et al. 2019, section 2.3 (the scaling of residual layers), and `transformers`' GPT-2 for the rest.
pub(crate) fn gpt2(config: &Config, init_seed: u64) -> Parameters {
    let mut parameters = Parameters::zeros(config);
    let residual_sd = SD / (2.0 * config.n_layers as f64).sqrt();
    for parameter in parameters.layout().iter() {
        let name = &parameter.name;
        let values = &mut parameters.values_mut()[parameter.range.clone()];
        if parameter.shape.len() >= 2 {
            let is_residual = name.ends_with("c_proj.weight");
            let purpose = format!("homolog-train 2026 initialisation {name}");
            Stream::new(&purpose, &[init_seed]).fill_gaussian(if is_residual { residual_sd } else { SD }, values);
        } else if name.ends_with("weight") {
            values.fill(1.0);
        }
    }
    parameters
}
