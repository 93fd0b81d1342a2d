//! A GPT-2 model as Hugging Face keeps it: `config.json` and weight files in a folder, in the variants found in the wild.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use safetensors::Dtype as StoredDtype;
use safetensors::tensor::TensorView;
use serde_json::{Value, json};

use super::{Gpt2Shape, Weight, Weights};
use crate::fixtures::{Golden, json as read_json};
use crate::torch_file::{TorchTensor, torch_file};

/// How weights are stored; rounding is to nearest, ties to even.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dtype {
    /// IEEE single: exact.
    F32,
    /// IEEE half.
    F16,
    /// The upper half of an IEEE single.
    Bf16,
}

type ToBytes = fn(&[f32]) -> Vec<u8>;

impl Dtype {
    fn stored(self) -> (StoredDtype, ToBytes) {
        match self {
            Self::F32 => (StoredDtype::F32, |values| values.iter().flat_map(|v| v.to_le_bytes()).collect()),
            Self::F16 => (StoredDtype::F16, |values| {
                let rounded = values.iter().map(|&v| half::f16::from_f32(v));
                rounded.flat_map(half::f16::to_le_bytes).collect()
            }),
            Self::Bf16 => (StoredDtype::BF16, |values| {
                let rounded = values.iter().map(|&v| half::bf16::from_f32(v));
                rounded.flat_map(half::bf16::to_le_bytes).collect()
            }),
        }
    }
}

/// The variants of a weight file that all mean the same model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    /// Type of every weight.
    pub dtype: Dtype,
    /// Names begin with `transformer.` (`lm_head.weight` never does).
    pub has_prefix: bool,
    /// Each layer also carries its causal mask, `attn.bias` [1, 1, `n_ctx`, `n_ctx`] (U8 in even layers, BOOL in odd ones), and
    /// the scalar `attn.masked_bias` (F32).
    pub has_mask_buffers: bool,
    /// A tied model also carries a copy of `wte.weight` as `lm_head.weight`.
    pub has_lm_head: bool,
}

impl Layout {
    /// F32, prefixed, nothing beside the weights: what `save_pretrained` writes.
    pub const PLAIN: Self = Self { dtype: Dtype::F32, has_prefix: true, has_mask_buffers: false, has_lm_head: false };
}

/// The format of weight files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// `model.safetensors`.
    Safetensors,
    /// `pytorch_model.bin` as `torch.save` writes it.
    Torch,
}

impl Format {
    /// The name of the file that is not in shards.
    pub fn file_name(self) -> &'static str {
        match self {
            Self::Safetensors => "model.safetensors",
            Self::Torch => "pytorch_model.bin",
        }
    }

    fn bytes(self, tensors: &[&Stored]) -> Vec<u8> {
        match self {
            Self::Safetensors => {
                let views = tensors.iter().map(|tensor| {
                    let view = TensorView::new(tensor.dtype, tensor.shape.clone(), &tensor.bytes);
                    (&tensor.name, view.expect("bytes fit the shape"))
                });
                let metadata = HashMap::from([("format".to_string(), "pt".to_string())]);
                safetensors::serialize(views, Some(metadata)).expect("tensors are sound")
            }
            Self::Torch => {
                let tensors: Vec<TorchTensor<'_>> = tensors
                    .iter()
                    .map(|Stored { name, dtype, shape, bytes }| TorchTensor { name, dtype: *dtype, shape, bytes })
                    .collect();
                torch_file(&tensors)
            }
        }
    }
}

struct Stored {
    name: String,
    dtype: StoredDtype,
    shape: Vec<usize>,
    bytes: Vec<u8>,
}

impl Gpt2Shape {
    /// Writes `config.json` and `model.safetensors` into `folder`, which is made if need be.
    ///
    /// Panics: if the weights do not fit the shape, or a file cannot be written.
    #[track_caller]
    pub fn write(&self, folder: &Path, weights: &Weights, layout: &Layout) {
        self.write_as(folder, weights, layout, Format::Safetensors, 1);
    }

    /// As [`Gpt2Shape::write`], but in this format and as many files; several are written with their index.
    ///
    /// Panics: as it does.
    #[track_caller]
    pub fn write_as(&self, folder: &Path, weights: &Weights, layout: &Layout, format: Format, n_files: usize) {
        let write = |name: &str, bytes: &[u8]| {
            let path = folder.join(name);
            fs::write(&path, bytes).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        };
        self.assert_fits(weights);
        fs::create_dir_all(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        let config = serde_json::to_string_pretty(&self.config(*layout)).expect("a JSON value prints");
        write("config.json", (config + "\n").as_bytes());

        let stored = self.stored(weights, *layout);
        if n_files == 1 {
            return write(format.file_name(), &format.bytes(&stored.iter().collect::<Vec<_>>()));
        }
        let (stem, extension) = format.file_name().rsplit_once('.').expect("a name with an extension");
        let mut weight_map = serde_json::Map::new();
        for file in 0..n_files {
            let name = format!("{stem}-{:05}-of-{n_files:05}.{extension}", file + 1);
            let tensors: Vec<&Stored> = stored.iter().skip(file).step_by(n_files).collect();
            weight_map.extend(tensors.iter().map(|tensor| (tensor.name.clone(), name.clone().into())));
            write(&name, &format.bytes(&tensors));
        }
        let index = json!({"metadata": {"total_size": 0}, "weight_map": weight_map});
        write(&format!("{}.index.json", format.file_name()), index.to_string().as_bytes());
    }

    fn stored(&self, weights: &Weights, layout: Layout) -> Vec<Stored> {
        let prefixed = |name: &str| {
            let has_prefix = layout.has_prefix && name != "lm_head.weight";
            if has_prefix { format!("transformer.{name}") } else { name.to_string() }
        };
        let (dtype, to_bytes) = layout.dtype.stored();
        let mut stored: Vec<Stored> = weights
            .iter()
            .map(|(name, weight)| Stored {
                name: prefixed(name),
                dtype,
                shape: weight.shape.clone(),
                bytes: to_bytes(&weight.values),
            })
            .collect();
        if self.is_tied && layout.has_lm_head {
            let wte = &weights["wte.weight"];
            stored.push(Stored {
                name: "lm_head.weight".into(),
                dtype,
                shape: wte.shape.clone(),
                bytes: to_bytes(&wte.values),
            });
        }
        if layout.has_mask_buffers {
            let n = self.n_ctx;
            let mask: Vec<u8> = (0..n * n).map(|i| u8::from(i % n <= i / n)).collect();
            for l in 0..self.n_layers {
                let dtype = if l % 2 == 0 { StoredDtype::U8 } else { StoredDtype::BOOL };
                stored.push(Stored {
                    name: prefixed(&format!("h.{l}.attn.bias")),
                    dtype,
                    shape: vec![1, 1, n, n],
                    bytes: mask.clone(),
                });
                stored.push(Stored {
                    name: prefixed(&format!("h.{l}.attn.masked_bias")),
                    dtype: StoredDtype::F32,
                    shape: vec![],
                    bytes: (-1e4_f32).to_le_bytes().to_vec(),
                });
            }
        }
        stored
    }

    /// The keys Hugging Face writes for `GPT2LMHeadModel`, and those of its older versions (`n_ctx`, `gradient_checkpointing`).
    fn config(&self, layout: Layout) -> Value {
        let torch_dtype = match layout.dtype {
            Dtype::F32 => "float32",
            Dtype::F16 => "float16",
            Dtype::Bf16 => "bfloat16",
        };
        json!({
            "activation_function": self.activation,
            "architectures": ["GPT2LMHeadModel"],
            "attn_pdrop": 0.1,
            "bos_token_id": self.bos,
            "embd_pdrop": 0.1,
            "eos_token_id": self.bos,
            "gradient_checkpointing": false,
            "initializer_range": 0.02,
            "layer_norm_epsilon": self.eps,
            "model_type": "gpt2",
            "n_ctx": self.n_ctx,
            "n_embd": self.d_model,
            "n_head": self.n_heads,
            "n_inner": if self.d_mlp == 4 * self.d_model { Value::Null } else { json!(self.d_mlp) },
            "n_layer": self.n_layers,
            "n_positions": self.n_ctx,
            "reorder_and_upcast_attn": self.is_inverse_layer_scaled,
            "resid_pdrop": 0.1,
            "scale_attn_by_inverse_layer_idx": self.is_inverse_layer_scaled,
            "scale_attn_weights": true,
            "summary_activation": null,
            "summary_first_dropout": 0.1,
            "summary_proj_to_labels": true,
            "summary_type": "cls_index",
            "summary_use_proj": true,
            "task_specific_params": {"text-generation": {"do_sample": true, "max_length": 50}},
            "tie_word_embeddings": self.is_tied,
            "torch_dtype": torch_dtype,
            "transformers_version": "4.40.0",
            "use_cache": true,
            "vocab_size": self.d_vocab,
        })
    }
}

/// Reads a folder written by [`Gpt2Shape::write`] or by Hugging Face, with or without `transformer.`; drops mask buffers and a
/// tied copy of `lm_head.weight`.
///
/// Panics: if a file, key or weight is missing or misshapen, naming it. This reader is for tests and knows only the keys it needs.
#[track_caller]
pub fn read(folder: &Path) -> (Gpt2Shape, Weights) {
    let config = read_json(folder.join("config.json"));
    let has = |key: &str| config.get(key).is_some_and(|value| !value.is_null());
    let count =
        |key: &str| config[key].as_u64().unwrap_or_else(|| panic!("config.json: {key} is {}", config[key])) as usize;
    let is = |key: &str, default: bool| config[key].as_bool().unwrap_or(default);
    let shape = Gpt2Shape {
        n_layers: count("n_layer"),
        n_heads: count("n_head"),
        d_model: count("n_embd"),
        d_mlp: if has("n_inner") { count("n_inner") } else { 4 * count("n_embd") },
        d_vocab: count("vocab_size"),
        n_ctx: count("n_positions"),
        activation: config["activation_function"].as_str().expect("config.json has activation_function").into(),
        is_inverse_layer_scaled: is("scale_attn_by_inverse_layer_idx", false),
        is_tied: is("tie_word_embeddings", true),
        bos: has("bos_token_id").then(|| count("bos_token_id") as u32),
        eps: config["layer_norm_epsilon"].as_f64().expect("config.json has layer_norm_epsilon"),
    };
    let file = Golden::open(folder.join("model.safetensors"));
    let mut weights = Weights::new();
    for stored in file.names() {
        let name = stored.strip_prefix("transformer.").unwrap_or(&stored);
        let is_buffer = name.ends_with(".attn.bias") || name.ends_with(".attn.masked_bias");
        if is_buffer || (shape.is_tied && name == "lm_head.weight") {
            continue;
        }
        // Every stored type widens to f32 exactly, F64 apart, which GPT-2 folders do not use.
        let values = file.f64(&stored).into_iter().map(|v| v as f32).collect();
        weights.insert(name.into(), Weight { shape: file.shape(&stored), values });
    }
    shape.assert_fits(&weights);
    (shape, weights)
}
