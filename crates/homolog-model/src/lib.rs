//! GPT-2 weights, tokens, hooks, forward pass, loss and interventions.
//!
//! A model is immutable; what looks into it or changes it is an argument of [`Model::forward`]. This crate knows no study:
//! it turns folders into models and tokens into activations and losses.

mod backward;
mod checkpoint;
mod config;
mod dropout;
mod error;
mod forward;
mod hooks;
mod interventions;
mod measure;
mod neuron;
mod parameters;
mod stored_tensors;
#[cfg(test)]
mod test_model;
mod tokens;
mod vocabulary;
mod weights;

pub use backward::{AtMlpPost, Differentiable, Gradients, RowLayer};
pub use checkpoint::Checkpoint;
pub use config::Config;
pub use dropout::Dropout;
pub use error::Error;
pub use forward::{Model, Start};
pub use homolog_kernels::{Isa, Nonlinearity, Precision, Prediction};
pub use hooks::{Activation, Capture, HookPoint, Hooks, NoHooks, Site, UnknownHookPoint};
pub use interventions::{Ablate, Ablation};
pub use measure::{Measure, Measured, squared_distance};
pub use neuron::NeuronId;
pub use parameters::{Parameter, Parameters};
pub use stored_tensors::StoredTensors;
pub use tokens::{TokenBatch, TokenMask, Tokens};
pub use vocabulary::Vocabulary;
