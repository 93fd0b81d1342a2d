//! GPT-2's tensors in the Hugging Face layout: `Conv1D` weights are [in, out], so they need no transpose.

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::path::Path;

use half::slice::HalfFloatSliceExt;
use half::{bf16, f16};
use homolog_kernels::Packed;
use safetensors::{Dtype, SafeTensors};

use super::{Block, LayerNorm, Weights};
use crate::{Config, Error};

/// Read and check every tensor.
///
/// Names may or may not begin with `transformer.`; mask buffers are passed over; a tied `lm_head.weight` must equal
/// `wte.weight`. Stored f16 and bf16 widen to f32 exactly.
pub(crate) fn read(path: &Path, config: &Config, weights_hash: &str) -> Result<Weights, Error> {
    let bytes = std::fs::read(path).map_err(|source| Error::Unreadable { path: path.to_path_buf(), source })?;
    if blake3::hash(&bytes).to_hex().as_str() != weights_hash {
        return Err(Error::Changed { path: path.to_path_buf() });
    }
    let tensors = SafeTensors::deserialize(&bytes)
        .map_err(|error| Error::BadSafetensors { path: path.to_path_buf(), message: error.to_string() })?;
    let mut reader = Reader { path, tensors: &tensors, seen: BTreeSet::new() };
    let weights = reader.weights(config)?;
    match tensors.names().into_iter().find(|name| !reader.seen.contains(*name) && !is_mask_buffer(name)) {
        Some(name) => Err(Error::UnexpectedTensor { path: path.to_path_buf(), tensor: name.to_owned() }),
        None => Ok(weights),
    }
}

/// Causal-mask buffers that older `PyTorch` files carry beside the weights.
fn is_mask_buffer(name: &str) -> bool {
    let in_block =
        name.strip_prefix("transformer.").unwrap_or(name).strip_prefix("h.").and_then(|rest| rest.split_once('.'));
    in_block
        .is_some_and(|(layer, rest)| layer.parse::<usize>().is_ok() && matches!(rest, "attn.bias" | "attn.masked_bias"))
}

struct Reader<'a> {
    path: &'a Path,
    tensors: &'a SafeTensors<'a>,
    seen: BTreeSet<String>,
}

impl Reader<'_> {
    fn weights(&mut self, config: &Config) -> Result<Weights, Error> {
        let &Config { d_model, d_vocab, .. } = config;
        let w_e = self.tensor("wte.weight", &[d_vocab, d_model])?;
        let has_lm_head = self.find("lm_head.weight").is_some();
        let lm_head = if has_lm_head || !config.is_tied {
            Some(self.tensor("lm_head.weight", &[d_vocab, d_model])?)
        } else {
            None
        };
        if config.is_tied && lm_head.as_ref().is_some_and(|lm_head| *lm_head != w_e) {
            return Err(Error::TiedButDifferent { path: self.path.to_path_buf() });
        }
        let unembedding = lm_head.as_ref().unwrap_or(&w_e);
        let w_u = Packed::from_columns(unembedding, d_model, d_model, d_vocab);
        let w_pos = self.tensor("wpe.weight", &[config.n_ctx, d_model])?;
        let blocks = (0..config.n_layers).map(|layer| self.block(layer, config)).collect::<Result<_, _>>()?;
        let ln_final = self.layer_norm("ln_f", d_model)?;
        Ok(Weights { w_e: (!config.is_tied).then_some(w_e), w_pos, blocks, ln_final, w_u })
    }

    fn block(&mut self, layer: usize, config: &Config) -> Result<Block, Error> {
        let &Config { d_model, d_mlp, .. } = config;
        let name = |rest: &str| format!("h.{layer}.{rest}");
        Ok(Block {
            ln1: self.layer_norm(&name("ln_1"), d_model)?,
            w_qkv: self.matrix(&name("attn.c_attn.weight"), d_model, 3 * d_model)?,
            b_qkv: self.tensor(&name("attn.c_attn.bias"), &[3 * d_model])?,
            w_o: self.matrix(&name("attn.c_proj.weight"), d_model, d_model)?,
            b_o: self.tensor(&name("attn.c_proj.bias"), &[d_model])?,
            ln2: self.layer_norm(&name("ln_2"), d_model)?,
            w_in: self.matrix(&name("mlp.c_fc.weight"), d_model, d_mlp)?,
            b_in: self.tensor(&name("mlp.c_fc.bias"), &[d_mlp])?,
            w_out: self.matrix(&name("mlp.c_proj.weight"), d_mlp, d_model)?,
            b_out: self.tensor(&name("mlp.c_proj.bias"), &[d_model])?,
        })
    }

    fn layer_norm(&mut self, name: &str, d_model: usize) -> Result<LayerNorm, Error> {
        let w = self.tensor(&format!("{name}.weight"), &[d_model])?;
        let b = self.tensor(&format!("{name}.bias"), &[d_model])?;
        Ok(LayerNorm { w, b })
    }

    fn matrix(&mut self, name: &str, n_rows: usize, n_columns: usize) -> Result<Packed, Error> {
        let values = self.tensor(name, &[n_rows, n_columns])?;
        Ok(Packed::from_rows(&values, n_columns, n_rows, n_columns))
    }

    /// The name under which the file holds a tensor, if it does.
    fn find(&self, name: &str) -> Option<String> {
        let prefixed = format!("transformer.{name}");
        [prefixed, name.to_owned()].into_iter().find(|name| self.tensors.tensor(name).is_ok())
    }

    fn tensor(&mut self, name: &str, expected: &[usize]) -> Result<Vec<f32>, Error> {
        let path = || self.path.to_path_buf();
        let found = self.find(name).and_then(|full| Some((self.tensors.tensor(&full).ok()?, full)));
        let Some((view, full)) = found else {
            return Err(Error::MissingTensor { path: path(), tensor: name.to_owned() });
        };
        if view.shape() != expected {
            let (expected, found) = (expected.to_vec(), view.shape().to_vec());
            return Err(Error::ShapeMismatch { path: path(), tensor: full, expected, found });
        }
        let bytes = view.data();
        let values: Vec<f32> = match view.dtype() {
            Dtype::F32 => bytes.as_chunks().0.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect(),
            Dtype::F16 => {
                let stored: Vec<f16> = bytes.as_chunks().0.iter().map(|&bytes| f16::from_le_bytes(bytes)).collect();
                stored.to_f32_vec()
            }
            Dtype::BF16 => {
                let stored: Vec<bf16> = bytes.as_chunks().0.iter().map(|&bytes| bf16::from_le_bytes(bytes)).collect();
                stored.to_f32_vec()
            }
            other => return Err(Error::UnknownDtype { path: path(), tensor: full, dtype: format!("{other:?}") }),
        };
        if let Some(element) = values.iter().position(|value| !value.is_finite()) {
            return Err(Error::NotFinite { path: path(), tensor: full, element, value: values[element] });
        }
        self.seen.insert(full);
        Ok(values)
    }
}
