//! `config.json` of a GPT-2 model: which keys change the arithmetic, and what they say.

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use homolog_kernels::Nonlinearity;
use serde_json::{Map, Value, json};

use crate::Error;

/// Shape and arithmetic of a model, in this workspace's names.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Blocks.
    pub n_layers: usize,
    /// Attention heads of a block.
    pub n_heads: usize,
    /// Width of the residual stream.
    pub d_model: usize,
    /// Width of a head.
    pub d_head: usize,
    /// Neurons of a block.
    pub d_mlp: usize,
    /// Size of the vocabulary.
    pub d_vocab: usize,
    /// Longest row.
    pub n_ctx: usize,
    /// Layer-norm epsilon, inside the root.
    pub eps: f32,
    /// Between `hook_pre` and `hook_post`.
    pub nonlinearity: Nonlinearity,
    /// Scores are divided by sqrt(`d_head`).
    pub is_head_scaled: bool,
    /// Scores are also divided by (layer + 1), as in the CRFM models.
    pub is_inverse_layer_scaled: bool,
    /// `W_U` is the transpose of `W_E`.
    pub is_tied: bool,
    /// Ids of the beginning- and end-of-sequence and padding tokens, those that are given.
    pub special_tokens: BTreeSet<u32>,
}

/// Keys that do not change what an evaluated model computes: training, generation, bookkeeping.
const HARMLESS: &[&str] = &[
    "_attn_implementation_autoset",
    "_attn_implementation",
    "_commit_hash",
    "_name_or_path",
    "_num_labels",
    "architectures",
    "attn_pdrop",
    "bad_words_ids",
    "begin_suppress_tokens",
    "bos_token_id",
    "decoder_start_token_id",
    "diversity_penalty",
    "do_sample",
    "dtype",
    "early_stopping",
    "embd_pdrop",
    "encoder_no_repeat_ngram_size",
    "eos_token_id",
    "exponential_decay_length_penalty",
    "finetuning_task",
    "forced_bos_token_id",
    "forced_eos_token_id",
    "gradient_checkpointing",
    "id2label",
    "initializer_range",
    "is_decoder",
    "is_encoder_decoder",
    "label2id",
    "length_penalty",
    "max_length",
    "min_length",
    "n_ctx",
    "no_repeat_ngram_size",
    "num_beam_groups",
    "num_beams",
    "num_labels",
    "num_return_sequences",
    "output_attentions",
    "output_hidden_states",
    "output_past",
    "output_scores",
    "pad_token_id",
    "predict_special_tokens",
    "prefix",
    "problem_type",
    // Chooses precision and order of one product in PyTorch; ours is f32 throughout.
    "reorder_and_upcast_attn",
    "remove_invalid_values",
    "repetition_penalty",
    "resid_pdrop",
    "return_dict",
    "return_dict_in_generate",
    "sep_token_id",
    "suppress_tokens",
    "task_specific_params",
    "temperature",
    "tf_legacy_loss",
    "tokenizer_class",
    "top_k",
    "top_p",
    "torch_dtype",
    "torchscript",
    "transformers_version",
    "typical_p",
    "use_bfloat16",
    "use_cache",
    "xla_device",
];

impl Config {
    /// Read `config.json` of a model folder.
    ///
    /// `allowed_keys` pass although they are on neither list. Errors: unreadable, not JSON, a dimension missing or zero, a
    /// key that is not known, a value whose arithmetic is not implemented.
    pub fn read(folder: &Path, allowed_keys: &BTreeSet<String>) -> Result<Self, Error> {
        let path = folder.join("config.json");
        let text = std::fs::read(&path).map_err(|source| Error::Unreadable { path: path.clone(), source })?;
        let keys: Map<String, Value> = serde_json::from_slice(&text).map_err(|error| Error::BadConfig {
            path: path.clone(),
            message: format!("not a JSON object ({error})"),
        })?;
        let mut reader = Reader { path, keys: &keys, seen: BTreeSet::new() };
        let config = reader.config()?;
        let known = |key: &String| {
            reader.seen.contains(key.as_str())
                || HARMLESS.contains(&key.as_str())
                || key.starts_with("summary_")
                || allowed_keys.contains(key)
        };
        match keys.keys().find(|key| !known(key)) {
            Some(key) => Err(Error::UnknownConfigKey { path: reader.path, key: key.clone() }),
            None => Ok(config),
        }
    }

    /// The keys of a `config.json` that [`Config::read`] and `transformers` read back as this.
    ///
    /// `end_of_text`: begins and ends sequences. `eps` is written as the shortest decimal that is this f32.
    pub fn to_json(&self, end_of_text: Option<u32>) -> Value {
        let eps: f64 = self.eps.to_string().parse().expect("a number that was printed");
        let activation = match self.nonlinearity {
            Nonlinearity::GeluNew => "gelu_new",
            Nonlinearity::Gelu => "gelu",
        };
        json!({
            "model_type": "gpt2",
            "architectures": ["GPT2LMHeadModel"],
            "n_layer": self.n_layers,
            "n_head": self.n_heads,
            "n_embd": self.d_model,
            "n_inner": self.d_mlp,
            "vocab_size": self.d_vocab,
            "n_positions": self.n_ctx,
            "activation_function": activation,
            "layer_norm_epsilon": eps,
            "scale_attn_weights": self.is_head_scaled,
            "scale_attn_by_inverse_layer_idx": self.is_inverse_layer_scaled,
            "tie_word_embeddings": self.is_tied,
            "bos_token_id": end_of_text,
            "eos_token_id": end_of_text,
            // By default `transformers` would drop a tenth when it trains on.
            "attn_pdrop": 0.0,
            "embd_pdrop": 0.0,
            "resid_pdrop": 0.0,
        })
    }

    /// What attention scores of a layer are multiplied by.
    pub fn score_scale(&self, layer: usize) -> f32 {
        let by_head = if self.is_head_scaled { (self.d_head as f64).sqrt() } else { 1.0 };
        let by_layer = if self.is_inverse_layer_scaled { (layer + 1) as f64 } else { 1.0 };
        (1.0 / (by_head * by_layer)) as f32
    }

    /// Neurons of all layers.
    pub fn n_neurons(&self) -> usize {
        self.n_layers * self.d_mlp
    }
}

/// Takes keys one by one and remembers which were looked at.
struct Reader<'a> {
    path: PathBuf,
    keys: &'a Map<String, Value>,
    seen: BTreeSet<&'static str>,
}

impl Reader<'_> {
    fn config(&mut self) -> Result<Config, Error> {
        self.only("model_type", &Value::from("gpt2"))?;
        self.only("add_cross_attention", &Value::from(false))?;
        self.only("chunk_size_feed_forward", &Value::from(0))?;
        self.only("cross_attention_hidden_size", &Value::Null)?;
        self.only("tie_encoder_decoder", &Value::from(false))?;
        self.only("pruned_heads", &Value::Object(Map::new()))?;
        let d_model = self.count("n_embd")?;
        let n_heads = self.count("n_head")?;
        if !d_model.is_multiple_of(n_heads) {
            return Err(self.bad(format!("n_embd {d_model} is not a multiple of n_head {n_heads}")));
        }
        let d_mlp = match self.get("n_inner") {
            None | Some(Value::Null) => {
                d_model.checked_mul(4).ok_or_else(|| self.bad(format!("`n_embd` {d_model} is beyond any model")))?
            }
            Some(_) => self.count("n_inner")?,
        };
        let mut special_tokens = BTreeSet::new();
        for key in ["bos_token_id", "eos_token_id", "pad_token_id"] {
            special_tokens.extend(self.token(key)?);
        }
        Ok(Config {
            n_layers: self.count("n_layer")?,
            n_heads,
            d_model,
            d_head: d_model / n_heads,
            d_mlp,
            d_vocab: self.count("vocab_size")?,
            n_ctx: self.count("n_positions")?,
            eps: self.eps()?,
            nonlinearity: self.nonlinearity()?,
            is_head_scaled: self.flag("scale_attn_weights", true)?,
            is_inverse_layer_scaled: self.flag("scale_attn_by_inverse_layer_idx", false)?,
            is_tied: self.flag("tie_word_embeddings", true)?,
            special_tokens,
        })
    }

    fn get(&mut self, key: &'static str) -> Option<&Value> {
        self.seen.insert(key);
        self.keys.get(key)
    }

    fn bad(&self, message: String) -> Error {
        Error::BadConfig { path: self.path.clone(), message }
    }

    fn count(&mut self, key: &'static str) -> Result<usize, Error> {
        match self.get(key).map(Value::as_u64) {
            Some(Some(count)) if count > 0 => Ok(count as usize),
            Some(_) => Err(self.bad(format!("`{key}` is not a positive whole number"))),
            None => Err(self.bad(format!("`{key}` is missing"))),
        }
    }

    fn flag(&mut self, key: &'static str, default: bool) -> Result<bool, Error> {
        match self.get(key) {
            None => Ok(default),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(_) => Err(self.bad(format!("`{key}` is neither true nor false"))),
        }
    }

    fn token(&mut self, key: &'static str) -> Result<Option<u32>, Error> {
        match self.get(key) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => match value.as_u64().and_then(|id| u32::try_from(id).ok()) {
                Some(id) => Ok(Some(id)),
                None => Err(self.bad(format!("`{key}` is not a token id"))),
            },
        }
    }

    fn eps(&mut self) -> Result<f32, Error> {
        match self.get("layer_norm_epsilon") {
            None => Ok(1e-5),
            Some(value) => match value.as_f64() {
                Some(eps) if eps > 0.0 && eps.is_finite() => Ok(eps as f32),
                _ => Err(self.bad("`layer_norm_epsilon` is not a positive number".into())),
            },
        }
    }

    fn nonlinearity(&mut self) -> Result<Nonlinearity, Error> {
        match self.get("activation_function").cloned().as_ref().map(Value::as_str) {
            // The names by which PyTorch's ecosystem calls the same two formulas.
            None
            | Some(Some("gelu_new" | "gelu_fast" | "gelu_pytorch_tanh" | "gelu_python_tanh" | "gelu_accurate")) => {
                Ok(Nonlinearity::GeluNew)
            }
            Some(Some("gelu" | "gelu_python")) => Ok(Nonlinearity::Gelu),
            Some(other) => Err(Error::UnsupportedConfig {
                path: self.path.clone(),
                key: "activation_function".into(),
                value: other.unwrap_or("not a name").into(),
                supported: "gelu_new, gelu_fast, gelu_pytorch_tanh, gelu_python_tanh, gelu_accurate, gelu, gelu_python"
                    .into(),
            }),
        }
    }

    /// A key that may be absent or have this one value, which leaves the arithmetic as it is.
    fn only(&mut self, key: &'static str, supported: &Value) -> Result<(), Error> {
        match self.get(key).cloned() {
            Some(value) if value != *supported => Err(Error::UnsupportedConfig {
                path: self.path.clone(),
                key: key.into(),
                value: value.to_string(),
                supported: supported.to_string(),
            }),
            _ => Ok(()),
        }
    }
}
