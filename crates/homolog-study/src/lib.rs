//! The study: from checkpoints and tokens to every table.
