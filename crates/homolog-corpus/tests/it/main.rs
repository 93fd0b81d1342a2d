//! The rows against those of another program: Python's `tokenizers`, `blake3`, `pyarrow` and `zstandard`.

mod rows;
