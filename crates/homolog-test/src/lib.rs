//! Development only: comparison of numbers, seeded inputs, golden files, tiny GPT-2 folders, PyTorch files, planted worlds and the slow forward pass.
//!
//! Everything takes and returns slices and plain structs and depends on nothing of ours, so that every crate's unit tests can
//! use it without seeing two copies of a type. These are test tools: a file that cannot be read is a panic that names it.

pub mod close;
pub mod differences;
pub mod fixtures;
pub mod planted;
pub mod reference_gpt2;
pub mod seeded;
pub mod tiny_gpt2;
pub mod torch_file;

pub use close::{Tol, assert_close, assert_close_f32, check_close};
pub use differences::{central_differences, dot, widened};
pub use seeded::Seeded;
