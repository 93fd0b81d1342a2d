//! `pytorch_model.bin`: a zip archive of one pickle, which names the tensors, and one entry for the bytes of each storage.
//!
//! The archive must be as `torch.save` writes it: nothing compressed or encrypted, so that a tensor is a range of the file's
//! bytes and can be read alone.

#[cfg(test)]
mod tests;

use std::fs::File;
use std::io::{BufReader, Read, Seek};
use std::path::Path;

use zip::{CompressionMethod, ZipArchive};

use super::index::{Stored, Tensors};
use super::pickle::{self, Fault};
use crate::Error;

/// Where the tensors of a file lie.
///
/// Errors: the pickle of `PyTorch` before 1.6, no zip archive, one that is not of a state dict, a name that would run code.
/// Memory: the archive's directory and the pickle, never a tensor.
pub(super) fn index(path: &Path, file_index: usize) -> Result<Tensors, Error> {
    let unreadable = |source| Error::Unreadable { path: path.to_path_buf(), source };
    let mut file = File::open(path).map_err(unreadable)?;
    let length = file.metadata().map_err(unreadable)?.len();
    let mut start = vec![];
    Read::by_ref(&mut file).take(4).read_to_end(&mut start).and_then(|_| file.rewind()).map_err(unreadable)?;
    if start.starts_with(b"\x80") {
        return Err(Error::LegacyPickle { path: path.to_path_buf() });
    }
    let tensors = if start == b"PK\x03\x04" {
        Archive::open(file, length).and_then(|mut archive| archive.tensors(file_index))
    } else {
        Err(Fault::Bad("is no file of torch.save".into()))
    };
    tensors.map_err(|fault| match fault {
        Fault::Bad(message) => Error::BadPickle { path: path.to_path_buf(), message },
        Fault::Code(global) => Error::CodeInPickle { path: path.to_path_buf(), global },
    })
}

/// Bytes of the file that an entry holds.
struct Entry {
    offset: u64,
    n_bytes: u64,
}

struct Archive {
    zip: ZipArchive<BufReader<File>>,
    /// Bytes of the file.
    length: u64,
    /// The folder within the archive, up to and with its slash.
    folder: String,
}

impl Archive {
    fn open(file: File, length: u64) -> Result<Self, Fault> {
        let zip = ZipArchive::new(BufReader::new(file)).map_err(|error| cut(&error))?;
        if zip.has_duplicate_names() {
            return Err(Fault::Bad("has two entries of one name".into()));
        }
        let mut pickles = zip.file_names_raw().filter_map(|name| {
            let folder = std::str::from_utf8(name).ok()?.strip_suffix("data.pkl")?;
            (folder.is_empty() || folder.find('/') == Some(folder.len() - 1)).then(|| folder.to_owned())
        });
        let (folder, another) = (pickles.next(), pickles.next());
        drop(pickles);
        match (folder, another) {
            (Some(folder), None) => Ok(Self { zip, length, folder }),
            (None, _) => Err(Fault::Bad("is a zip archive without data.pkl, none of torch.save".into())),
            (Some(_), Some(_)) => Err(Fault::Bad("has two data.pkl".into())),
        }
    }

    fn tensors(&mut self, file: usize) -> Result<Tensors, Fault> {
        // Files from before PyTorch 2.1 do not say; they are little-endian wherever PyTorch ran in earnest.
        if let Some(order) = self.read("byteorder", 16)?.filter(|order| order != b"little") {
            let order = pickle::shown(&String::from_utf8_lossy(&order));
            return Err(Fault::Bad(format!("has byte order {order}; save it again on a little-endian machine")));
        }
        let pickle = self.read("data.pkl", pickle::MAX_BYTES)?.ok_or_else(|| Fault::Bad("has no data.pkl".into()))?;
        let mut tensors = Tensors::new();
        for (name, tensor) in pickle::state_dict(&pickle)? {
            let storage = tensor.storage;
            let size = storage.dtype.bitsize() as u64 / 8;
            let missing = || Fault::Bad(format!("lacks the entry data/{}", pickle::shown(storage.key)));
            let entry = self.entry(&format!("data/{}", storage.key))?.ok_or_else(missing)?;
            if storage.n_elements.checked_mul(size) != Some(entry.n_bytes) {
                let key = pickle::shown(storage.key);
                return Err(Fault::Bad(format!(
                    "has {} bytes in entry data/{key}, which is not {} elements of {:?}",
                    entry.n_bytes, storage.n_elements, storage.dtype
                )));
            }
            // The view lies in the storage and the storage fills the entry, so neither product nor sum overflows.
            let (offset, n_bytes) = (entry.offset + tensor.start * size, tensor.n_elements * size);
            let stored = Stored { file, offset, n_bytes, dtype: storage.dtype, shape: tensor.shape };
            tensors.insert(name.to_owned(), stored);
        }
        Ok(tensors)
    }

    /// Where an entry lies, if there is one: stored as it is, and within the file.
    fn entry(&mut self, name: &str) -> Result<Option<Entry>, Fault> {
        let Some(at) = self.zip.index_for_name_raw(format!("{}{name}", self.folder).as_bytes()) else {
            return Ok(None);
        };
        let file = self.zip.by_index_raw(at).map_err(|error| cut(&error))?;
        let name = pickle::shown(name);
        if file.encrypted() {
            return Err(Fault::Bad(format!("has its entry {name} encrypted")));
        }
        if file.compression() != CompressionMethod::Stored || file.compressed_size() != file.size() {
            return Err(Fault::Bad(format!("has its entry {name} compressed; torch.save stores them as they are")));
        }
        let (offset, n_bytes) = (file.data_start(), file.size());
        let offset = offset.filter(|start| start.checked_add(n_bytes).is_some_and(|end| end <= self.length));
        let offset = offset.ok_or_else(|| Fault::Bad(format!("ends before its entry {name} does")))?;
        Ok(Some(Entry { offset, n_bytes }))
    }

    /// The contents of a small entry, if there is one.
    fn read(&mut self, name: &str, limit: u64) -> Result<Option<Vec<u8>>, Fault> {
        let Some(Entry { n_bytes, .. }) = self.entry(name)? else { return Ok(None) };
        if n_bytes > limit {
            return Err(Fault::Bad(format!(
                "has {n_bytes} bytes in its entry {name}, where at most {limit} are of use"
            )));
        }
        let at = self.zip.index_for_name_raw(format!("{}{name}", self.folder).as_bytes());
        let mut file = self.zip.by_index_raw(at.unwrap_or_default()).map_err(|error| cut(&error))?;
        let mut bytes = vec![0; n_bytes as usize];
        file.read_exact(&mut bytes).map_err(|error| cut(&error.into()))?;
        Ok(Some(bytes))
    }
}

fn cut(error: &zip::result::ZipError) -> Fault {
    Fault::Bad(format!("is not a whole zip archive ({error})"))
}
