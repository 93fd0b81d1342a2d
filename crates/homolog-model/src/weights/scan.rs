//! One walk over the weight files: their hash, and whether every weight is finite.

#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use half::{bf16, f16};
use rayon::prelude::*;
use safetensors::Dtype;

use super::index::Stored;
use crate::Error;

/// Bytes of a file that are hashed and looked at together.
const CHUNK: usize = 4 << 20;
/// Bytes kept in front of a chunk, for the value that began in the chunk before: one less than the longest would do.
const CARRY: usize = 4;

/// BLAKE3 of the one file; of several, BLAKE3 of the name and hash of each.
pub(super) fn combine(hashes: &[(&Path, blake3::Hash)]) -> String {
    let [(_, hash)] = hashes else {
        let mut hasher = blake3::Hasher::new();
        for (path, hash) in hashes {
            let name = path.file_name().unwrap_or_default().as_encoded_bytes();
            hasher.update(&(name.len() as u64).to_le_bytes()).update(name).update(hash.as_bytes());
        }
        return hasher.finalize().to_hex().to_string();
    };
    hash.to_hex().to_string()
}

/// The hash of the files' contents.
pub(super) fn hash(files: &[PathBuf]) -> Result<String, Error> {
    hash_finite(files, &[])
}

/// The hash of the files' contents, after all of these weight tensors were seen to be finite.
///
/// Reads every byte once; the hash is computed on one thread while others look at the values.
/// Errors: `NotFinite` for the first such value of the first file that has one.
pub(super) fn hash_finite(files: &[PathBuf], weights: &[(&str, &Stored)]) -> Result<String, Error> {
    let mut hashes = vec![];
    for (file, path) in files.iter().enumerate() {
        let weights: Vec<_> = weights.iter().copied().filter(|(_, stored)| stored.file == file).collect();
        hashes.push((path.as_path(), walk(path, &weights)?));
    }
    Ok(combine(&hashes))
}

fn walk(path: &Path, weights: &[(&str, &Stored)]) -> Result<blake3::Hash, Error> {
    let unreadable = |source| Error::Unreadable { path: path.to_path_buf(), source };
    let mut file = File::open(path).map_err(unreadable)?;
    let mut hasher = blake3::Hasher::new();
    let mut buffer = Vec::with_capacity(CARRY + CHUNK);
    buffer.resize(CARRY, 0);
    let mut start = 0;
    loop {
        let n_bytes = Read::by_ref(&mut file).take(CHUNK as u64).read_to_end(&mut buffer).map_err(unreadable)?;
        if n_bytes == 0 {
            return Ok(hasher.finalize());
        }
        let look = |&(name, stored): &(&'_ str, &Stored)| {
            let (element, value) = first_not_finite(stored, start, &buffer)?;
            Some((stored.offset + element as u64 * size(stored), name.to_owned(), element, value))
        };
        let (_, found) = rayon::join(
            || hasher.update(&buffer[CARRY..]),
            // Of two tensors that share a storage the first is named.
            || weights.par_iter().filter_map(look).min_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1))),
        );
        if let Some((_, tensor, element, value)) = found {
            return Err(Error::NotFinite { path: path.to_path_buf(), tensor, element, value });
        }
        buffer.drain(..n_bytes);
        start += n_bytes as u64;
    }
}

fn size(stored: &Stored) -> u64 {
    stored.dtype.bitsize() as u64 / 8
}

/// The first value that is not finite among those of a tensor that end in a chunk; `buffer` is the chunk that begins at byte
/// `start` of the file, behind the [`CARRY`] bytes before it.
fn first_not_finite(stored: &Stored, start: u64, buffer: &[u8]) -> Option<(usize, f32)> {
    let (size, end) = (size(stored), start + (buffer.len() - CARRY) as u64);
    // Whole elements before the chunk's ends: a straddling one belongs to the chunk it ends in.
    let until = |at: u64| at.saturating_sub(stored.offset).min(stored.n_bytes) / size;
    let (first, last) = (until(start), until(end));
    if first >= last {
        return None;
    }
    // At most CARRY bytes before `start`, for the first element ends behind it.
    let at = (stored.offset + first * size + CARRY as u64 - start) as usize;
    let bytes = &buffer[at..at + ((last - first) * size) as usize];
    let found = match stored.dtype {
        Dtype::F32 => find(bytes, |b| u32::from_le_bytes(b) & 0x7f80_0000 == 0x7f80_0000, f32::from_le_bytes),
        Dtype::F16 => find(bytes, |b| u16::from_le_bytes(b) & 0x7c00 == 0x7c00, |b| f16::from_le_bytes(b).to_f32()),
        _ => find(bytes, |b| u16::from_le_bytes(b) & 0x7f80 == 0x7f80, |b| bf16::from_le_bytes(b).to_f32()),
    };
    found.map(|(element, value)| (first as usize + element, value))
}

/// The first of these values with all bits of its exponent set. Blocks are folded without a branch, so that this keeps up with
/// memory; only in a block that holds one is its place looked for.
fn find<const N: usize>(
    bytes: &[u8],
    is_bad: impl Fn([u8; N]) -> bool,
    value: impl Fn([u8; N]) -> f32,
) -> Option<(usize, f32)> {
    const BLOCK: usize = 4096;
    let values = bytes.as_chunks::<N>().0;
    let block = values.chunks(BLOCK).position(|block| block.iter().fold(false, |any, &v| any | is_bad(v)))?;
    let element = block * BLOCK + values[block * BLOCK..].iter().position(|&v| is_bad(v))?;
    Some((element, value(values[element])))
}
