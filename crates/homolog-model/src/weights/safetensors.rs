//! The header of a safetensors file: a length, and as much JSON.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use safetensors::tensor::Metadata;

use super::index::{Stored, Tensors};
use crate::Error;

/// The format's own limit.
const LONGEST_HEADER: u64 = 100_000_000;

/// Where the tensors of a file lie. The crate checks that each has as many bytes as its shape and type call for, and that they
/// follow each other without gap or overlap; here it is checked that they fill the file.
pub(super) fn index(path: &Path, file_index: usize) -> Result<Tensors, Error> {
    let unreadable = |source| Error::Unreadable { path: path.to_path_buf(), source };
    let bad = |message: String| Error::BadSafetensors { path: path.to_path_buf(), message };
    let mut file = File::open(path).map_err(unreadable)?;
    let length = file.metadata().map_err(unreadable)?.len();
    if length < 8 {
        return Err(bad(format!("its {length} bytes hold no header")));
    }
    let mut n_header = [0; 8];
    file.read_exact(&mut n_header).map_err(unreadable)?;
    let n_header = u64::from_le_bytes(n_header);
    if n_header > LONGEST_HEADER.min(length - 8) {
        return Err(bad(format!("it says that its header has {n_header} bytes, of {length} in all")));
    }
    let mut header = vec![0; n_header as usize];
    file.read_exact(&mut header).map_err(unreadable)?;
    let metadata: Metadata =
        serde_json::from_slice(&header).map_err(|error| bad(format!("its header is unsound: {error}")))?;
    let start = 8 + n_header;
    if start.checked_add(metadata.data_len() as u64) != Some(length) {
        return Err(bad(format!(
            "its header and tensors take {start} and {} bytes, the file has {length}",
            metadata.data_len()
        )));
    }
    let tensors = metadata.tensors().into_iter().map(|(name, info)| {
        let (first, end) = info.data_offsets;
        let (offset, n_bytes) = (start + first as u64, (end - first) as u64);
        (name, Stored { file: file_index, offset, n_bytes, dtype: info.dtype, shape: info.shape.clone() })
    });
    Ok(tensors.collect())
}
