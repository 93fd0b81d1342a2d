//! Sentences of [`Manifest::notes`](crate::Manifest::notes) that who reads a run may want to tell in other words.
//!
//! The writer and the reader take them from here, so that neither can know a wording that the other does not.

/// No rows are held out.
pub const SAME_ROWS: &str =
    "losses and ablations are measured on the same rows that the correlations come from, since no rows are held out";

/// Only the sizes of the vocabularies could be compared.
pub const UNPROVED_TOKENIZER: &str = "the models' vocabularies have the same size, but without tokenizer files in every folder it is unproved that they are the same";

/// No token is excluded.
pub const EVERY_POSITION: &str = "every position is counted, BOS and newlines included: corpus.exclude_tokens is empty";

/// What every note of a checkpoint without universal neurons has in it, between which checkpoint it is and the threshold.
pub const NONE_UNIVERSAL: &str = "no neuron of any model passes the threshold";
