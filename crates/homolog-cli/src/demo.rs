//! What `homolog demo` needs besides the pipeline.
#![expect(dead_code, reason = "used by the demo command")]

mod folder;
pub(crate) mod language;
pub(crate) mod sotu;
pub(crate) mod text;
