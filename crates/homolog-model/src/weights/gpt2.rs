//! GPT-2's tensors in the Hugging Face layout: `Conv1D` weights are [in, out], so they need no transpose.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use homolog_kernels::{Packed, Precision};
use safetensors::Dtype;

use super::files::WeightFiles;
use super::index::{self, Stored, Tensors};
use super::{Block, LayerNorm, Weights, scan};
use crate::{Config, Error, Parameters};

/// Hash of the weight files of a folder, after names, shapes, types and every value were checked.
///
/// Errors: files that cannot be read; a tensor missing, misshapen, of no weight type, of no GPT-2 or not finite; an `lm_head`
/// that is tied but differs. Reads every byte once. Memory: some megabytes.
pub(crate) fn check(folder: &Path, config: &Config) -> Result<String, Error> {
    let files = WeightFiles::find(folder)?;
    let tensors = files.tensors()?;
    let weights = fit(&files, &tensors, config)?;
    let scanned: Vec<_> = weights.values().map(|weight| (weight.name, weight.stored)).collect();
    let hash = scan::hash_finite(&files.files, &scanned)?;
    if let (true, Some(lm_head)) = (config.is_tied, weights.get("lm_head.weight")) {
        let [lm_head, w_e] = [lm_head, &weights["wte.weight"]].map(|weight| (weight.path, weight.stored));
        if !index::are_equal(lm_head, w_e)? {
            return Err(Error::TiedButDifferent { path: lm_head.0.to_path_buf() });
        }
    }
    Ok(hash)
}

/// The hash that [`check`] gives, of files that are not looked into.
pub(crate) fn hash(folder: &Path) -> Result<String, Error> {
    scan::hash(&WeightFiles::find(folder)?.files)
}

/// Read the weights of a folder that was checked and gave this hash.
///
/// Errors: `Changed` if it would give another. Memory: one tensor beside what is returned, see [`load_transient_bytes`].
pub(crate) fn read(folder: &Path, config: &Config, weights_hash: &str, precision: Precision) -> Result<Weights, Error> {
    with_tensors(folder, config, weights_hash, |vector| weights(config, precision, vector))
}

/// The same as plain f32.
pub(crate) fn read_parameters(folder: &Path, config: &Config, weights_hash: &str) -> Result<Parameters, Error> {
    with_tensors(folder, config, weights_hash, |vector| {
        let mut parameters = Parameters::zeros(config);
        for parameter in parameters.layout().iter() {
            parameters.values_mut()[parameter.range.clone()].copy_from_slice(&vector(&parameter.name)?);
        }
        Ok(parameters)
    })
}

/// The weight files of a folder, and where each tensor lies in them, by its name without `transformer.`; the copy of a tied embedding is
/// left out.
///
/// Errors: as [`check`]; values are not looked at.
pub(crate) fn locate(folder: &Path, config: &Config) -> Result<(Vec<PathBuf>, Tensors), Error> {
    let files = WeightFiles::find(folder)?;
    let tensors = files.tensors()?;
    let weights = fit(&files, &tensors, config)?;
    let weights = weights.into_iter().filter(|(name, _)| !(config.is_tied && name == "lm_head.weight"));
    let located = weights.map(|(name, weight)| (name, weight.stored.clone())).collect();
    Ok((files.files, located))
}

/// Values of a weight by name, row-major as in the file.
type Vector<'a> = dyn Fn(&str) -> Result<Vec<f32>, Error> + 'a;

fn with_tensors<T>(
    folder: &Path,
    config: &Config,
    weights_hash: &str,
    build: impl FnOnce(&Vector<'_>) -> Result<T, Error>,
) -> Result<T, Error> {
    let files = WeightFiles::find(folder)?;
    if scan::hash(&files.files)? != weights_hash {
        return Err(Error::Changed { path: files.path });
    }
    let tensors = files.tensors()?;
    let weights = fit(&files, &tensors, config)?;
    build(&|name| index::values(weights[name].path, weights[name].stored))
}

/// Every weight's name, without `transformer.`, and shape. Made one by one: a config may call for any number of layers, and the
/// first that the file lacks is an error.
///
/// Lengths saturate; no tensor in a file is as long as that, so it is a mismatch.
pub(crate) fn layout(config: &Config, has_lm_head: bool) -> impl Iterator<Item = (String, Vec<usize>)> {
    let &Config { n_layers, d_model, d_mlp, d_vocab, n_ctx, .. } = config;
    let outside = |name: &str, shape: &[usize]| (name.to_owned(), shape.to_vec());
    let lm_head = has_lm_head.then(|| outside("lm_head.weight", &[d_vocab, d_model]));
    let embeddings = [outside("wte.weight", &[d_vocab, d_model]), outside("wpe.weight", &[n_ctx, d_model])];
    let blocks = (0..n_layers).flat_map(move |layer| {
        let d_qkv = d_model.saturating_mul(3);
        let block: [(&str, &[usize]); 12] = [
            ("ln_1.weight", &[d_model]),
            ("ln_1.bias", &[d_model]),
            ("attn.c_attn.weight", &[d_model, d_qkv]),
            ("attn.c_attn.bias", &[d_qkv]),
            ("attn.c_proj.weight", &[d_model, d_model]),
            ("attn.c_proj.bias", &[d_model]),
            ("ln_2.weight", &[d_model]),
            ("ln_2.bias", &[d_model]),
            ("mlp.c_fc.weight", &[d_model, d_mlp]),
            ("mlp.c_fc.bias", &[d_mlp]),
            ("mlp.c_proj.weight", &[d_mlp, d_model]),
            ("mlp.c_proj.bias", &[d_model]),
        ];
        block.map(|(name, shape)| (format!("h.{layer}.{name}"), shape.to_vec()))
    });
    let ln_final = [outside("ln_f.weight", &[d_model]), outside("ln_f.bias", &[d_model])];
    embeddings.into_iter().chain(lm_head).chain(blocks).chain(ln_final)
}

/// A tensor of the layout, found in a file.
struct Weight<'a> {
    path: &'a Path,
    /// Its name in the file.
    name: &'a str,
    stored: &'a Stored,
}

/// The layout's tensors by their names without `transformer.`, which the files may or may not have; mask buffers are passed over.
fn fit<'a>(
    files: &'a WeightFiles,
    tensors: &'a Tensors,
    config: &Config,
) -> Result<BTreeMap<String, Weight<'a>>, Error> {
    let find = |name: &str| {
        let prefixed = format!("transformer.{name}");
        tensors.get_key_value(&prefixed).or_else(|| tensors.get_key_value(name))
    };
    let has_lm_head = !config.is_tied || find("lm_head.weight").is_some();
    let mut weights = BTreeMap::new();
    for (name, expected) in layout(config, has_lm_head) {
        let Some((full, stored)) = find(&name) else {
            return Err(Error::MissingTensor { path: files.path.clone(), tensor: name });
        };
        let file = &files.files[stored.file];
        let (path, tensor) = (|| file.clone(), || full.clone());
        if stored.shape != expected {
            let found = stored.shape.clone();
            return Err(Error::ShapeMismatch { path: path(), tensor: tensor(), expected, found });
        }
        if !matches!(stored.dtype, Dtype::F32 | Dtype::F16 | Dtype::BF16) {
            let dtype = format!("{:?}", stored.dtype);
            return Err(Error::UnknownDtype { path: path(), tensor: tensor(), dtype });
        }
        weights.insert(name, Weight { path: file, name: full, stored });
    }
    let is_seen = |full: &str| {
        let name = full.strip_prefix("transformer.").unwrap_or(full);
        weights.get(name).is_some_and(|weight| weight.name == full) || is_mask_buffer(name)
    };
    match tensors.iter().find(|(full, _)| !is_seen(full)) {
        Some((full, stored)) => {
            Err(Error::UnexpectedTensor { path: files.files[stored.file].clone(), tensor: full.clone() })
        }
        None => Ok(weights),
    }
}

/// Causal-mask buffers that older `PyTorch` files carry beside the weights.
fn is_mask_buffer(name: &str) -> bool {
    let in_block = name.strip_prefix("h.").and_then(|rest| rest.split_once('.'));
    in_block
        .is_some_and(|(layer, rest)| layer.parse::<usize>().is_ok() && matches!(rest, "attn.bias" | "attn.masked_bias"))
}

/// Weights as the forward pass wants them, from their values by name.
pub(crate) fn weights(config: &Config, precision: Precision, vector: &Vector<'_>) -> Result<Weights, Error> {
    let &Config { d_model, d_vocab, .. } = config;
    let unembedding = |values: &[f32]| Packed::from_columns_in(precision, values, d_model, d_model, d_vocab);
    // Of a tied pair one is read; that a second equals it was checked. In f32 its packed form gives the rows of tokens too.
    let (w_e, w_u) = if config.is_tied {
        let w_e = vector("wte.weight")?;
        let w_u = unembedding(&w_e);
        ((precision != Precision::F32).then_some(w_e), w_u)
    } else {
        (Some(vector("wte.weight")?), unembedding(&vector("lm_head.weight")?))
    };
    Ok(Weights {
        w_e,
        w_u,
        w_pos: vector("wpe.weight")?,
        blocks: (0..config.n_layers).map(|layer| block(config, precision, layer, vector)).collect::<Result<_, _>>()?,
        ln_final: layer_norm("ln_f", vector)?,
    })
}

fn block(config: &Config, precision: Precision, layer: usize, vector: &Vector<'_>) -> Result<Block, Error> {
    let &Config { d_model, d_mlp, .. } = config;
    let name = |rest: &str| format!("h.{layer}.{rest}");
    let matrix = |rest: &str, n_rows: usize, n_columns: usize| -> Result<Packed, Error> {
        Ok(Packed::from_rows_in(precision, &vector(&name(rest))?, n_columns, n_rows, n_columns))
    };
    Ok(Block {
        ln1: layer_norm(&name("ln_1"), vector)?,
        w_qkv: matrix("attn.c_attn.weight", d_model, 3 * d_model)?,
        b_qkv: vector(&name("attn.c_attn.bias"))?,
        w_o: matrix("attn.c_proj.weight", d_model, d_model)?,
        b_o: vector(&name("attn.c_proj.bias"))?,
        ln2: layer_norm(&name("ln_2"), vector)?,
        w_in: matrix("mlp.c_fc.weight", d_model, d_mlp)?,
        b_in: vector(&name("mlp.c_fc.bias"))?,
        w_out: matrix("mlp.c_proj.weight", d_mlp, d_model)?,
        b_out: vector(&name("mlp.c_proj.bias"))?,
    })
}

fn layer_norm(name: &str, vector: &Vector<'_>) -> Result<LayerNorm, Error> {
    Ok(LayerNorm { w: vector(&format!("{name}.weight"))?, b: vector(&format!("{name}.bias"))? })
}

/// Bytes of the weights of a model once loaded, its packed matrices padded to whole panels of any instruction set.
pub(crate) fn loaded_bytes(config: &Config, precision: Precision) -> u64 {
    // The unembedding is [d_model, d_vocab] when packed, not as stored.
    let packed_values = |n_rows, n_columns| packed_values(n_rows, n_columns, precision);
    let unembedding = packed_values(config.d_model, config.d_vocab);
    let stored = layout(config, false).map(|(name, shape)| match shape[..] {
        [_, _] if name == "wte.weight" && config.is_tied && precision == Precision::F32 => 0,
        [n_rows, n_columns] if name.starts_with("h.") => packed_values(n_rows, n_columns),
        _ => shape.iter().map(|&length| length as u64).product(),
    });
    4 * (unembedding + stored.sum::<u64>())
}

/// Bytes beyond [`loaded_bytes`] that loading takes at most: the f32 values of the largest matrix before it is packed.
pub(crate) fn load_transient_bytes(config: &Config) -> u64 {
    let &Config { d_model, d_mlp, d_vocab, .. } = config;
    4 * d_model as u64 * d_vocab.max(3 * d_model).max(d_mlp) as u64 + index::PIECE_BYTES
}

/// Values of a [`n_rows`, `n_columns`] matrix and its padding.
fn packed_values(n_rows: usize, n_columns: usize, precision: Precision) -> u64 {
    let n_rows = if precision == Precision::F32 { n_rows } else { n_rows.next_multiple_of(Packed::ROW_STEP) };
    n_columns.next_multiple_of(Packed::COLUMN_STEP) as u64 * n_rows as u64
}
