//! A byte-level BPE made from a corpus, as GPT-2's was.

use std::path::PathBuf;
use std::sync::mpsc::SyncSender;

use tokenizers::models::bpe::{BPE, BpeTrainer};
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::{AddedToken, TokenizerBuilder};

use super::END_OF_TEXT;
use crate::Error;
use crate::documents::Documents;
use crate::held_out::is_held_out;
use crate::progress::Progress;

/// The bytes of a `tokenizer.json`: `d_vocab` - 1 tokens of a byte-level BPE trained on the documents that are not held out (held
/// out ones are those of [`make_rows`](crate::make_rows) before it has enough), and `<|endoftext|>` as the last id.
///
/// GPT-2's pre-tokenizer, no space before the text, all 256 bytes, so every text has ids. Same documents, same bytes.
/// `progress` is told bytes of files and asked whether to go on while these are read, as by `make_rows`; the merging after it, seconds for
/// megabytes of text, is not interrupted.
///
/// Errors: what cannot be read or is no text; text too poor for so many tokens.
/// Memory: the distinct words of the text.
/// Panics: for fewer than 257 tokens (a bug in the caller).
pub fn train_tokenizer(
    files: &[PathBuf],
    text_field: &str,
    d_vocab: usize,
    progress: &(dyn Fn(u64) -> bool + Sync),
) -> Result<Vec<u8>, Error> {
    assert!(d_vocab > 256, "{d_vocab} tokens do not hold all bytes and {END_OF_TEXT}");
    let byte_level = ByteLevel::new(false, true, true);
    let mut tokenizer = TokenizerBuilder::new()
        .with_model(BPE::default())
        .with_normalizer(None::<tokenizers::NormalizerWrapper>)
        .with_pre_tokenizer(Some(byte_level))
        .with_post_processor(Some(ByteLevel::new(false, false, true)))
        .with_decoder(Some(byte_level))
        .build()
        .map_err(|error| Error::NotTrained { message: error.to_string() })?;
    let mut trainer = BpeTrainer::builder()
        .vocab_size(d_vocab - 1)
        .initial_alphabet(ByteLevel::alphabet().into_iter().collect())
        .show_progress(false)
        .build();
    // Read on a thread of its own, a few documents ahead.
    let (sender, texts) = std::sync::mpsc::sync_channel(16);
    let trained = std::thread::scope(|scope| {
        let reading = scope.spawn(move || read(files, text_field, progress, &sender));
        let trained = tokenizer.train(&mut trainer, texts.into_iter()).map(|_| ());
        reading.join().expect("a reader that does not panic").map(|()| trained)
    })?;
    trained.map_err(|error| Error::NotTrained { message: error.to_string() })?;
    let found = tokenizer.get_vocab_size(false);
    if found + 1 < d_vocab {
        return Err(Error::TooPoorText { d_vocab, found: found + 1 });
    }
    tokenizer
        .add_special_tokens([AddedToken::from(END_OF_TEXT, true)])
        .and_then(|_| tokenizer.to_string(false))
        .map(String::into_bytes)
        .map_err(|error| Error::NotTrained { message: error.to_string() })
}

/// Send the documents that are not held out, until nobody takes them.
fn read(files: &[PathBuf], text_field: &str, progress: &Progress, texts: &SyncSender<String>) -> Result<(), Error> {
    for file in files {
        let mut documents = Documents::open(file, text_field, progress)?;
        let mut n_told = 0;
        loop {
            let text = documents.next()?;
            let n_read = documents.n_bytes_read();
            if !progress(n_read - std::mem::replace(&mut n_told, n_read)) {
                return Err(Error::Interrupted);
            }
            let Some(text) = text else { break };
            if !is_held_out(&text) && texts.send(text).is_err() {
                return Ok(());
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
