//! AdamW, and the clipping of gradients before it.

#[cfg(test)]
mod tests;

use homolog_model::Parameters;

use crate::config::TrainingSection;

/// Running means of gradients and of their squares, as long as the parameters.
#[derive(Clone)]
pub(crate) struct AdamW {
    pub(crate) first_moment: Vec<f32>,
    pub(crate) second_moment: Vec<f32>,
}

impl AdamW {
    pub(crate) fn new(n_parameters: usize) -> Self {
        Self { first_moment: vec![0.0; n_parameters], second_moment: vec![0.0; n_parameters] }
    }

    /// One update, the `step`-th counted from 1:
    ///
    /// m = b1 m + (1 - b1) g; v = b2 v + (1 - b2) g^2;
    /// p -= lr (m / (1 - b1^step) / (sqrt(v / (1 - b2^step)) + eps) + decay p), the last only for matrices and embeddings.
    ///
    /// Arithmetic f32, powers and bias corrections f64. Source: Loshchilov and Hutter 2019, arXiv:1711.05101, algorithm 2,
    /// with the decay times lr as PyTorch has it.
    pub(crate) fn update(
        &mut self,
        parameters: &mut Parameters,
        gradients: &Parameters,
        training: &TrainingSection,
        (step, learning_rate): (u64, f64),
    ) {
        let correction = |beta: f64| 1.0 - beta.powi(step as i32);
        let (b1, b2) = (training.beta1 as f32, training.beta2 as f32);
        let rate = (learning_rate / correction(training.beta1)) as f32;
        let root_correction = (1.0 / correction(training.beta2).sqrt()) as f32;
        let epsilon = training.epsilon as f32;
        for parameter in parameters.layout().iter() {
            let is_matrix = parameter.shape.len() >= 2;
            let keep = if is_matrix { (1.0 - learning_rate * training.weight_decay) as f32 } else { 1.0 };
            let range = parameter.range.clone();
            let moments = self.first_moment[range.clone()].iter_mut().zip(&mut self.second_moment[range.clone()]);
            let values = parameters.values_mut()[range.clone()].iter_mut().zip(&gradients.values()[range]);
            for ((p, &g), (m, v)) in values.zip(moments) {
                *m = b1 * *m + (1.0 - b1) * g;
                *v = b2 * *v + (1.0 - b2) * (g * g);
                *p = *p * keep - rate * *m / (v.sqrt() * root_correction + epsilon);
            }
        }
    }
}

/// Scale the gradients so that their Euclidean norm is at most `most`; returns the norm before. NaN stays NaN.
pub(crate) fn clip(gradients: &mut Parameters, most: f64) -> f64 {
    let norm = gradients.values().iter().map(|&g| f64::from(g) * f64::from(g)).sum::<f64>().sqrt();
    if norm > most {
        let scale = (most / norm) as f32;
        gradients.values_mut().iter_mut().for_each(|g| *g *= scale);
    }
    norm
}
