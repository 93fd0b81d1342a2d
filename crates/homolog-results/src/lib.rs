//! The on-disk contract: tables, tensors, manifest, atomic writes.
