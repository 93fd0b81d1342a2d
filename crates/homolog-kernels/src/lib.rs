//! Numeric operators: the fast form, its float64 twin, and the choice of instruction set.
//!
//! One operator a file, with `<op>/reference.rs` (plain loops in f64) and `<op>/tests.rs` beside it. Everything here is
//! single-threaded and allocation-light: callers split work over threads, so that no result can depend on their number.
//! This is the only crate with `unsafe`. It performs no I/O and knows no model.
#![expect(unsafe_code, reason = "vector intrinsics and the gemm crate's raw pointers; fenced into this crate")]
#![expect(clippy::inline_always, reason = "bodies must be inlined into the function that enables the instruction set")]

mod aligned;
mod attention;
mod column_sums;
mod cross_entropy;
mod dots;
mod elementwise;
mod isa;
mod layer_norm;
mod nonlinearity;
mod power_sums;
mod precision;
mod predictions;
mod product;
mod product_f64;
mod transpose;

pub use attention::{AttentionShape, causal_attention, causal_attention_backward};
pub use column_sums::add_column_sums;
pub use cross_entropy::{cross_entropy, cross_entropy_backward};
pub use dots::add_dots;
pub use isa::Isa;
pub use layer_norm::{layer_norm, layer_norm_backward};
pub use nonlinearity::Nonlinearity;
pub use power_sums::{PowerSums, centre_and_sum};
pub use precision::Precision;
pub use predictions::{Prediction, predictions};
pub use product::{Packed, accumulate_gram, accumulate_transposed, product};
pub use product_f64::{Operand, product_f64};
pub use transpose::transpose;
