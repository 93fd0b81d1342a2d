//! Files that are there whole or not at all, and their hashes.
//!
//! Every artifact goes through [`write_atomically`]; a reader never sees half a file, and a run that dies leaves the
//! previous one. What the bytes mean is not known here.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::Error;

/// Writes `path` through `write`: a hidden sibling is filled, synced, and renamed over `path`; then the folder is synced.
///
/// Missing parent folders are created. If anything fails (or `write` panics) the sibling is removed and a file
/// already at `path` stays as it was.
pub fn write_atomically(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<File>) -> Result<(), Error>,
) -> Result<(), Error> {
    let name = path.file_name().ok_or_else(|| Error::NoFileName { path: path.to_owned() })?;
    let folder = match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    fs::create_dir_all(folder).map_err(Error::write(path))?;
    let (temp, file) = Temp::create(folder, &name.to_string_lossy()).map_err(Error::write(path))?;
    let mut writer = BufWriter::with_capacity(1 << 20, file);
    write(&mut writer)?;
    writer.flush().map_err(Error::write(path))?;
    writer.get_ref().sync_all().map_err(Error::write(path))?;
    drop(writer);
    fs::rename(&temp.0, path).map_err(Error::write(path))?;
    sync_folder(folder).map_err(Error::write(path))
}

/// Writes `bytes` to `path` as [`write_atomically`] does.
pub fn write_bytes(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    write_atomically(path, |writer| writer.write_all(bytes).map_err(Error::write(path)))
}

/// BLAKE3 of the file's bytes, 64 hexadecimal digits; the file is streamed, not held.
pub fn file_hash(path: &Path) -> Result<String, Error> {
    let file = File::open(path).map_err(Error::read(path))?;
    let mut hasher = blake3::Hasher::new();
    hasher.update_reader(file).map_err(Error::read(path))?;
    Ok(hasher.finalize().to_hex().to_string())
}

/// A temporary file, removed when dropped; after the rename there is nothing left to remove.
struct Temp(PathBuf);

impl Temp {
    /// The process id keeps writers apart, the number steps over what a killed process of the same id left.
    fn create(folder: &Path, name: &str) -> io::Result<(Self, File)> {
        let mut number = 0_u32;
        loop {
            let path = folder.join(format!(".{name}.{}-{number}.tmp", std::process::id()));
            match File::create_new(&path) {
                Ok(file) => return Ok((Self(path), file)),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => number += 1,
                Err(error) => return Err(error),
            }
        }
    }
}

impl Drop for Temp {
    fn drop(&mut self) {
        // The error that matters is already on its way up; after a rename this finds nothing.
        let _ = fs::remove_file(&self.0);
    }
}

/// A rename survives a power cut only once its folder is synced. Windows cannot open folders and needs none of it.
fn sync_folder(folder: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(folder)?.sync_all() } else { Ok(()) }
}

#[cfg(test)]
mod tests;
