//! All weights of a model as plain f32, under their Hugging Face names: what training changes and what a checkpoint stores.

#[cfg(test)]
mod tests;

use std::ops::Range;
use std::sync::Arc;

use homolog_kernels::Precision;
use safetensors::Dtype;
use safetensors::tensor::TensorView;

use crate::weights::gpt2;
use crate::{Config, Model};

/// Every weight, one after the other in one vector: also the form of gradients and of an optimizer's moments.
#[derive(Clone, Debug)]
pub struct Parameters {
    config: Arc<Config>,
    layout: Arc<[Parameter]>,
    values: Vec<f32>,
}

/// Where one weight lies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// Hugging Face's, without `transformer.`: `h.0.mlp.c_fc.weight`.
    pub name: String,
    /// Lengths of the axes; `Conv1D` weights are [in, out].
    pub shape: Vec<usize>,
    /// Within [`Parameters::values`], row-major.
    pub range: Range<usize>,
}

impl Parameters {
    /// All zero. An unembedding that is tied has no weight of its own.
    pub fn zeros(config: &Config) -> Self {
        let mut end = 0;
        let place = |(name, shape): (String, Vec<usize>)| {
            let start = end;
            end += shape.iter().product::<usize>();
            Parameter { name, shape, range: start..end }
        };
        let layout = gpt2::layout(config, !config.is_tied).map(place).collect();
        Self { config: Arc::new(config.clone()), layout, values: vec![0.0; end] }
    }

    /// Shape and arithmetic of the model.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Every weight, in the order of the vector; a handle of its own, so that values may be changed while it is walked.
    pub fn layout(&self) -> Arc<[Parameter]> {
        Arc::clone(&self.layout)
    }

    /// All values.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// All values, to change.
    pub fn values_mut(&mut self) -> &mut [f32] {
        &mut self.values
    }

    /// One weight. Panics if the model has none of this name.
    pub fn get(&self, name: &str) -> &[f32] {
        &self.values[self.range(name)]
    }

    /// One weight, to change. Panics if the model has none of this name.
    pub fn get_mut(&mut self, name: &str) -> &mut [f32] {
        let range = self.range(name);
        &mut self.values[range]
    }

    fn range(&self, name: &str) -> Range<usize> {
        let parameter = self.layout.iter().find(|parameter| parameter.name == name);
        parameter.unwrap_or_else(|| panic!("{name} is no weight of this model")).range.clone()
    }

    /// The model that computes with these weights, in f32: training knows no other precision.
    pub fn model(&self) -> Model {
        let weights = gpt2::weights(&self.config, Precision::F32, &|name| Ok(self.get(name).to_vec()));
        Model::new(self.config().clone(), weights.expect("weights in memory can be read"))
    }

    /// The bytes of a `model.safetensors` that `transformers` opens: f32, names with `transformer.`.
    pub fn to_safetensors(&self) -> Vec<u8> {
        let bytes: Vec<u8> = self.values.iter().flat_map(|value| value.to_le_bytes()).collect();
        let tensors = self.layout.iter().map(|Parameter { name, shape, range }| {
            let name = if name.starts_with("lm_head.") { name.clone() } else { format!("transformer.{name}") };
            let bytes = &bytes[4 * range.start..4 * range.end];
            (name, TensorView::new(Dtype::F32, shape.clone(), bytes).expect("as many values as the shape says"))
        });
        // `transformers` refuses a file that does not say whose layout its tensors have.
        let metadata = [("format".to_owned(), "pt".to_owned())].into();
        safetensors::serialize(tensors, Some(metadata)).expect("names and shapes of a model")
    }
}
