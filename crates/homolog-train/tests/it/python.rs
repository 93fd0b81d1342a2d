//! Our models and our training against those of another program: `transformers` and `PyTorch`, in float64.
#![expect(clippy::print_stdout, reason = "how close they are, for whoever runs the slow tier")]

use std::ffi::OsString;
use std::path::Path;
use std::process::Command;
use std::{env, fs};

use homolog_corpus::Tokenizer;
use homolog_model::{NoHooks, Tokens};
use homolog_test::close::check_close_f32;
use homolog_test::fixtures::{Golden, json, print_skipped};
use homolog_test::{Tol, assert_close_f32};

use crate::world::World;

/// What the scripts exit with where a package is missing.
const NO_PACKAGE: i32 = 3;

/// Run a script of this folder. None, having said so, without a Python that can.
fn run(script: &str, arguments: &[OsString]) -> Option<()> {
    let Some(python) = env::var_os("HOMOLOG_PYTHON") else {
        print_skipped("HOMOLOG_PYTHON names no Python with crates/homolog-train/tests/it/requirements.txt");
        return None;
    };
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it").join(script);
    let output = match Command::new(python).arg(path).args(arguments).output() {
        Ok(output) => output,
        Err(error) => {
            print_skipped(&format!("HOMOLOG_PYTHON does not run: {error}"));
            return None;
        }
    };
    let printed = [output.stdout, output.stderr].concat();
    let printed = String::from_utf8_lossy(&printed);
    if output.status.code() == Some(NO_PACKAGE) {
        print_skipped(&format!("HOMOLOG_PYTHON lacks a package of {script}: {printed}"));
        return None;
    }
    assert!(output.status.success(), "{script}: {printed}");
    Some(())
}

#[test]
#[ignore = "slow tier: cargo xtask slow"]
fn transformers_opens_a_trained_model_and_gives_its_logits() {
    const TEXT: &str = "my old friend counts 17 grey wolves;  the hill sings \u{2014} \u{1F98A}\n\nyes";
    let world = World::new();
    world.train(&world.family("both = [1]", 40, "learning_rate = 3e-3\n[checkpoints]\nsteps = [40]"), "out").unwrap();
    let (model, rows) = (world.path("out/seed-1/checkpoint-40"), world.path("out/rows/held-out.u16"));
    let theirs = world.path("theirs.safetensors");
    let arguments =
        [model.as_os_str(), rows.as_os_str(), "24".as_ref(), theirs.as_os_str(), "--text".as_ref(), TEXT.as_ref()];
    let Some(()) = run("reopen.py", &arguments.map(OsString::from)) else { return };
    let theirs = Golden::open(&theirs);
    assert_eq!(theirs.shape("logits"), [4, 24, 300]);
    let tokens = Tokens::read(&rows, 24).unwrap();
    let ours = world.model("out/seed-1/checkpoint-40").logits(tokens.batch(0..4), &mut NoHooks);
    let tol = Tol { abs: 2e-5, rel: 2e-5 };
    assert_close_f32(&ours, &theirs.f64("logits"), tol);
    // The mutant: the rows after these.
    let others = world.model("out/seed-1/checkpoint-40").logits(tokens.batch(4..8), &mut NoHooks);
    assert!(check_close_f32(&others, &theirs.f64("logits"), tol).is_err());

    let ids = Tokenizer::open(&model).unwrap().encode(TEXT).unwrap();
    assert_eq!(theirs.i64("ids"), ids.iter().copied().map(i64::from).collect::<Vec<_>>());
}

#[test]
#[ignore = "slow tier: cargo xtask slow"]
fn pytorch_in_float64_trains_to_the_same_weights() {
    let world = World::new();
    // One batch is all rows: no order of the data to agree on. `eps` damps what has no gradient, see the script.
    let settings = "epsilon = 1e-6\nwarmup_steps = 4\nlearning_rate = 2e-3\nmin_learning_rate = 1e-4\nclip_norm = 0.5\n\
                    beta1 = 0.85\nbeta2 = 0.97\nweight_decay = 0.2\n[checkpoints]\nsteps = [0, 20]";
    let mut config = world.family("both = [1]", 20, settings);
    (config.corpus.tokens, config.training.batch_rows) = (Some(24 * 30), 30);
    config.model.scale_attn_by_inverse_layer_idx = true;
    world.train(&config, "out").unwrap();
    let ids = fs::read(world.path("out/rows/train.u16")).unwrap();
    let wide: Vec<u8> =
        ids.as_chunks::<2>().0.iter().flat_map(|&id| u32::from(u16::from_le_bytes(id)).to_le_bytes()).collect();
    fs::write(world.path("rows.u32"), wide).unwrap();

    let compare = |weight_decay: &str| -> Option<f64> {
        let out = world.path("report.json");
        let mut arguments: Vec<OsString> = ["out", "seed-1", "rows.u32", "report.json"]
            .map(|name| if name == "seed-1" { name.into() } else { world.path(name).into_os_string() })
            .into();
        let settings =
            "--steps 20 --warmup 4 --peak 2e-3 --min 1e-4 --clip 0.5 --beta1 0.85 --beta2 0.97 --eps 1e-6 --context 24";
        arguments.extend(settings.split(' ').map(OsString::from));
        arguments.extend(["--weight-decay".into(), weight_decay.into()]);
        run("same_training.py", &arguments)?;
        let report = json(out);
        let norms = report["gradient_norms"].as_array().unwrap();
        assert!(norms.iter().any(|norm| norm.as_f64().unwrap() > 0.5), "nothing was clipped: {norms:?}");
        let log = fs::read_to_string(world.path("out/seed-1/log.jsonl")).unwrap();
        let losses = log.lines().skip(1).map(|line| {
            let line: serde_json::Value = serde_json::from_str(line).unwrap();
            line["train_loss_nats"].as_f64().unwrap()
        });
        let theirs = report["losses_nats"].as_array().unwrap().iter().map(|loss| loss.as_f64().unwrap());
        let off = losses.zip(theirs).map(|(ours, theirs)| (ours - theirs).abs()).fold(0.0, f64::max);
        println!("losses are at most {off:.1e} nats apart");
        let tensors = report["tensors"].as_object().unwrap();
        // The key bias has no gradient: its movement is rounding error.
        let judged = tensors.iter().filter(|(name, _)| !name.ends_with("bias.key"));
        let (name, worst) = judged
            .map(|(name, tensor)| (name, tensor["rms"].as_f64().unwrap()))
            .max_by(|a, b| a.1.total_cmp(&b.1))
            .unwrap();
        println!("weight decay {weight_decay}: {name} is {worst:.1e} of its movement apart");
        Some(worst)
    };
    let Some(same) = compare("0.2") else { return };
    let other = compare("0.21").expect("as before");
    assert!(same < 2e-4 && other > 3.0 * same, "{same} with the same settings, {other} with another decay");
}
