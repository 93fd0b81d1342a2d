//! `cargo xtask make-gpt2`: a GPT-2 folder with random weights, of real size, for benches and for timing a study.

use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use homolog_test::tiny_gpt2::{Gpt2Shape, Layout};

#[cfg(test)]
mod tests;

pub(crate) const HELP: &str = "\
Writes a GPT-2 with random f32 weights as a Hugging Face folder (config.json, model.safetensors).

Usage: cargo xtask make-gpt2 <FOLDER> [--seed N] [--small | --tiny]

  <FOLDER>   Made if need be; a folder that already holds a model is refused.
  --seed N   Seed of the weights [default: 0]. The same seed gives the same bytes.
  --small    GPT-2 Small as CRFM trained it: 12 layers, 768 wide, 3,072 neurons a layer, 50,257 tokens, 1,024 positions,
             attention scaled by the inverse layer index; 498 MB, needs 1 GB of memory. This is the default.
  --tiny     The model of the unit tests: 2 layers, 16 wide, 40 neurons a layer, 61 tokens, 12 positions.

Weights are Gaussian with GPT-2's initial standard deviation, 0.02; there is no tokenizer.
";

/// GPT-2's `initializer_range`.
const SD: f64 = 0.02;

#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Request {
    folder: PathBuf,
    rng_seed: u64,
    shape: Gpt2Shape,
}

pub(crate) fn parse(args: &[&str]) -> Result<Request> {
    let (mut folder, mut rng_seed, mut shape) = (None, None, None);
    let mut args = args.iter();
    while let Some(&arg) = args.next() {
        match arg {
            "--seed" => {
                let value = args.next().context("--seed needs a number")?;
                let value =
                    value.parse().ok().with_context(|| format!("--seed {value} is not a number from 0 to 2^64 - 1"))?;
                ensure!(rng_seed.replace(value).is_none(), "--seed is given twice");
            }
            "--small" => ensure!(shape.replace(Gpt2Shape::small()).is_none(), "more than one size is given"),
            "--tiny" => ensure!(shape.replace(Gpt2Shape::tiny()).is_none(), "more than one size is given"),
            option if option.starts_with('-') => bail!("make-gpt2 has no option `{option}`"),
            path => ensure!(folder.replace(PathBuf::from(path)).is_none(), "more than one folder is given"),
        }
    }
    Ok(Request {
        folder: folder.context("make-gpt2 needs a folder")?,
        rng_seed: rng_seed.unwrap_or(0),
        shape: shape.unwrap_or_else(Gpt2Shape::small),
    })
}

pub(crate) fn run(request: &Request) -> Result<()> {
    let Request { folder, rng_seed, shape } = request;
    for file in ["config.json", "model.safetensors"] {
        ensure!(
            !folder.join(file).exists(),
            "{} already exists; name another folder or remove it",
            folder.join(file).display()
        );
    }
    let start = Instant::now();
    let weights = shape.random(*rng_seed, SD);
    shape.write(folder, &weights, &Layout::PLAIN);
    let n_parameters: usize = weights.values().map(|weight| weight.values.len()).sum();
    println!(
        "{}: {n_parameters} parameters, seed {rng_seed}, {:.1} s",
        folder.display(),
        start.elapsed().as_secs_f64()
    );
    Ok(())
}
