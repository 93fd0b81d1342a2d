//! Text to rows of tokens: documents, tokenizer, held-out split.
