#![expect(clippy::unwrap_used, reason = "tests")]

use homolog_test::tiny_gpt2::{Gpt2Shape, Layout};
use homolog_test::{Tol, assert_close_f32, fixtures};
use serde_json::json;

use super::*;

fn read_allowing(config: &Value, allowed: &[&str]) -> Result<Config, Error> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("config.json"), config.to_string()).unwrap();
    Config::read(folder.path(), &allowed.iter().map(|&key| key.to_owned()).collect())
}

fn read(config: &Value) -> Result<Config, Error> {
    read_allowing(config, &[])
}

/// `config.json` as Hugging Face writes it for a shape.
fn of(shape: &Gpt2Shape) -> Value {
    let folder = tempfile::tempdir().unwrap();
    shape.write(folder.path(), &shape.random(1, 0.1), &Layout::PLAIN);
    fixtures::json(folder.path().join("config.json"))
}

fn tiny_with(key: &str, value: Value) -> Value {
    let mut config = of(&Gpt2Shape::tiny());
    config[key] = value;
    config
}

fn tiny_without(key: &str) -> Value {
    let mut config = of(&Gpt2Shape::tiny());
    config.as_object_mut().unwrap().remove(key).unwrap();
    config
}

#[test]
fn every_field_is_read() {
    let tiny = Config {
        n_layers: 2,
        n_heads: 2,
        d_model: 16,
        d_head: 8,
        d_mlp: 40,
        d_vocab: 61,
        n_ctx: 12,
        eps: 1e-5,
        nonlinearity: Nonlinearity::GeluNew,
        is_head_scaled: true,
        is_inverse_layer_scaled: false,
        is_tied: true,
        special_tokens: BTreeSet::from([60]),
    };
    assert_eq!(read(&of(&Gpt2Shape::tiny())).unwrap(), tiny);
    let other = Gpt2Shape {
        n_layers: 3,
        n_heads: 4,
        d_mlp: 64,
        d_vocab: 7,
        n_ctx: 5,
        activation: "gelu".into(),
        is_inverse_layer_scaled: true,
        is_tied: false,
        bos: None,
        eps: 1e-6,
        ..Gpt2Shape::tiny()
    };
    let want = Config {
        n_layers: 3,
        n_heads: 4,
        d_head: 4,
        d_mlp: 64,
        d_vocab: 7,
        n_ctx: 5,
        eps: 1e-6,
        nonlinearity: Nonlinearity::Gelu,
        is_inverse_layer_scaled: true,
        is_tied: false,
        special_tokens: BTreeSet::new(),
        ..tiny
    };
    assert!(of(&other)["n_inner"].is_null(), "64 is four times 16, which null stands for");
    assert_eq!(read(&of(&other)).unwrap(), want);
    assert_eq!((want.n_neurons(), tiny.n_neurons()), (192, 80));
}

#[test]
fn absent_keys_have_the_defaults_of_gpt2() {
    let config = json!({"n_layer": 2, "n_head": 2, "n_embd": 16, "vocab_size": 61, "n_positions": 12});
    let mut want = read(&tiny_with("n_inner", Value::Null)).unwrap();
    want.special_tokens.clear();
    assert_eq!(read(&config).unwrap(), want);
    assert_eq!((want.d_mlp, want.eps.to_bits()), (64, 1e-5_f32.to_bits()));
}

#[test]
fn special_tokens_are_those_given() {
    let mut config = of(&Gpt2Shape::tiny());
    for (key, id) in [("bos_token_id", json!(3)), ("eos_token_id", json!(5)), ("pad_token_id", json!(7))] {
        config[key] = id;
    }
    assert_eq!(read(&config).unwrap().special_tokens, BTreeSet::from([3, 5, 7]));
    config["pad_token_id"] = Value::Null;
    assert_eq!(read(&config).unwrap().special_tokens, BTreeSet::from([3, 5]));
    for bad in [json!(-1), json!("</s>"), json!(1_u64 << 32), json!([3])] {
        config["pad_token_id"] = bad;
        assert!(matches!(read(&config), Err(Error::BadConfig { .. })));
    }
}

#[test]
fn both_nonlinearities_have_their_aliases() {
    for (nonlinearity, names) in [
        (
            Nonlinearity::GeluNew,
            &["gelu_new", "gelu_fast", "gelu_pytorch_tanh", "gelu_python_tanh", "gelu_accurate"][..],
        ),
        (Nonlinearity::Gelu, &["gelu", "gelu_python"]),
    ] {
        for name in names {
            let config = read(&tiny_with("activation_function", json!(name))).unwrap();
            assert_eq!(config.nonlinearity, nonlinearity, "{name}");
        }
    }
}

#[test]
fn an_unknown_key_is_an_error_unless_it_is_allowed() {
    let config = tiny_with("rotary_dim", json!(8));
    let error = read(&config).unwrap_err();
    assert!(matches!(&error, Error::UnknownConfigKey { key, .. } if key == "rotary_dim"));
    assert!(error.to_string().contains("--allow-config-key rotary_dim"), "{error}");
    assert!(read_allowing(&config, &["rotary_dims"]).is_err());
    assert_eq!(read_allowing(&config, &["rotary_dim"]).unwrap(), read(&of(&Gpt2Shape::tiny())).unwrap());
}

#[test]
fn arithmetic_that_is_not_implemented_is_an_error_even_when_allowed() {
    for (key, value) in [
        ("activation_function", json!("relu")),
        ("activation_function", json!(null)),
        ("model_type", json!("llama")),
        ("add_cross_attention", json!(true)),
        ("chunk_size_feed_forward", json!(64)),
        ("cross_attention_hidden_size", json!(16)),
        ("tie_encoder_decoder", json!(true)),
        ("pruned_heads", json!({"0": [1]})),
    ] {
        let error = read_allowing(&tiny_with(key, value), &[key]).unwrap_err();
        assert!(matches!(&error, Error::UnsupportedConfig { key: named, .. } if named == key), "{error}");
    }
}

#[test]
fn dimensions_must_be_positive_whole_numbers() {
    for key in ["n_layer", "n_head", "n_embd", "vocab_size", "n_positions"] {
        let error = read(&tiny_without(key)).unwrap_err();
        assert!(matches!(&error, Error::BadConfig { message, .. } if message.contains(key)), "{error}");
        for bad in [json!(0), json!("16"), json!(-2), json!(2.5), json!(null)] {
            let error = read(&tiny_with(key, bad)).unwrap_err();
            assert!(matches!(&error, Error::BadConfig { message, .. } if message.contains(key)), "{error}");
        }
    }
    assert!(matches!(read(&tiny_with("n_inner", json!(0))), Err(Error::BadConfig { .. })));
    assert!(matches!(read(&tiny_with("n_head", json!(3))), Err(Error::BadConfig { .. })), "16 is not three heads wide");
}

#[test]
fn flags_and_epsilon_must_be_of_their_type() {
    for key in ["scale_attn_weights", "scale_attn_by_inverse_layer_idx", "tie_word_embeddings"] {
        assert!(matches!(read(&tiny_with(key, json!("true"))), Err(Error::BadConfig { .. })), "{key}");
    }
    for bad in [json!(0), json!(-1e-5), json!("1e-5"), json!(null)] {
        assert!(matches!(read(&tiny_with("layer_norm_epsilon", bad)), Err(Error::BadConfig { .. })));
    }
}

#[test]
fn a_file_that_is_no_config_is_named() {
    let folder = tempfile::tempdir().unwrap();
    assert!(matches!(Config::read(folder.path(), &BTreeSet::new()), Err(Error::Unreadable { .. })));
    for text in ["", "[]", "{\"n_layer\": 2", "null"] {
        std::fs::write(folder.path().join("config.json"), text).unwrap();
        let error = Config::read(folder.path(), &BTreeSet::new()).unwrap_err();
        assert!(matches!(error, Error::BadConfig { .. }) && error.to_string().contains("config.json"), "{text:?}");
    }
}

#[test]
fn scores_are_scaled_by_head_width_and_layer() {
    let mut config = read(&of(&Gpt2Shape::tiny())).unwrap();
    let scales = |config: &Config| [config.score_scale(0), config.score_scale(3)];
    let by_head = 1.0 / 8.0_f64.sqrt();
    // Rounded once to f32.
    let tol = Tol { abs: 0.0, rel: 6e-8 };
    assert_close_f32(&scales(&config), &[by_head, by_head], tol);
    config.is_inverse_layer_scaled = true;
    assert_close_f32(&scales(&config), &[by_head, by_head / 4.0], tol);
    config.is_head_scaled = false;
    assert_close_f32(&scales(&config), &[1.0, 0.25], Tol::EXACT);
    config.is_inverse_layer_scaled = false;
    assert_close_f32(&scales(&config), &[1.0, 1.0], Tol::EXACT);
}

/// `to_dict` of transformers 4.1x, with what CRFM's training wrote into it.
#[test]
fn a_full_config_of_an_older_transformers_passes() {
    let mut config: Value = serde_json::from_str(
        r#"{
        "_name_or_path": "gpt2", "activation_function": "gelu_new", "add_cross_attention": false,
        "architectures": ["GPT2LMHeadModel"], "attn_pdrop": 0.1, "bad_words_ids": null, "bos_token_id": 50256,
        "chunk_size_feed_forward": 0, "cross_attention_hidden_size": null, "decoder_start_token_id": null,
        "diversity_penalty": 0.0, "do_sample": false, "early_stopping": false, "embd_pdrop": 0.1,
        "encoder_no_repeat_ngram_size": 0, "eos_token_id": 50256, "finetuning_task": null, "forced_bos_token_id": null,
        "forced_eos_token_id": null, "gradient_checkpointing": false, "id2label": {"0": "LABEL_0", "1": "LABEL_1"},
        "initializer_range": 0.02, "is_decoder": false, "is_encoder_decoder": false,
        "label2id": {"LABEL_0": 0, "LABEL_1": 1}, "layer_norm_epsilon": 1e-5, "length_penalty": 1.0, "max_length": 20,
        "min_length": 0, "model_type": "gpt2", "n_ctx": 1024, "n_embd": 768, "n_head": 12, "n_inner": null,
        "n_layer": 12, "n_positions": 1024, "no_repeat_ngram_size": 0, "num_beam_groups": 1, "num_beams": 1,
        "num_return_sequences": 1, "output_attentions": false, "output_hidden_states": false, "output_scores": false,
        "pad_token_id": null, "prefix": null, "problem_type": null, "pruned_heads": {}, "remove_invalid_values": false,
        "reorder_and_upcast_attn": true, "repetition_penalty": 1.0, "resid_pdrop": 0.1, "return_dict": true,
        "return_dict_in_generate": false, "scale_attn_by_inverse_layer_idx": true, "scale_attn_weights": true,
        "sep_token_id": null, "summary_activation": null, "summary_first_dropout": 0.1,
        "summary_proj_to_labels": true, "summary_type": "cls_index", "summary_use_proj": true,
        "task_specific_params": {"text-generation": {"do_sample": true, "max_length": 1024}}, "temperature": 1.0,
        "tie_encoder_decoder": false, "tie_word_embeddings": true, "tokenizer_class": null, "top_k": 50, "top_p": 1.0,
        "torch_dtype": "float32", "torchscript": false, "transformers_version": "4.13.0", "use_bfloat16": false,
        "use_cache": false, "vocab_size": 50257
    }"#,
    )
    .unwrap();
    let want = Config {
        n_layers: 12,
        n_heads: 12,
        d_model: 768,
        d_head: 64,
        d_mlp: 3072,
        d_vocab: 50_257,
        n_ctx: 1024,
        eps: 1e-5,
        nonlinearity: Nonlinearity::GeluNew,
        is_head_scaled: true,
        is_inverse_layer_scaled: true,
        is_tied: true,
        special_tokens: BTreeSet::from([50_256]),
    };
    assert_eq!(read(&config).unwrap(), want);
    // What the list of harmless keys claims.
    for key in
        ["attn_pdrop", "reorder_and_upcast_attn", "summary_type", "gradient_checkpointing", "n_ctx", "max_length"]
    {
        config[key] = json!("something else");
        assert_eq!(read(&config).unwrap(), want, "{key}");
    }
    config["scale_attn_by_inverse_layer_idx"] = json!(false);
    assert_ne!(read(&config).unwrap(), want);
}

#[test]
fn the_configs_of_the_fixture_family_pass() {
    let fixtures = homolog_test::require_fixtures!();
    let config = Config::read(&fixtures.join("family/seed-a/checkpoint-1600"), &BTreeSet::new()).unwrap();
    assert_eq!((config.n_layers, config.d_model, config.d_mlp, config.d_vocab), (4, 128, 512, 2048));
    assert_eq!(config.special_tokens, BTreeSet::from([2047]));
}
