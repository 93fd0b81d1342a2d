//! Files that are there whole or not at all, and their hashes.
//!
//! Every artifact goes through [`write_atomically`]; a reader never sees half a file, and a run that dies leaves the
//! previous one. What the bytes mean is not known here.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::Error;
#[cfg(feature = "faults")]
use crate::faults;

/// Writes `path` through `write`: a hidden sibling is filled, synced, and renamed over `path`; then the folder is synced.
///
/// Missing parent folders are created. If anything fails (or `write` panics) the sibling is removed and a file
/// already at `path` stays as it was.
pub fn write_atomically<E: From<Error>>(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<Sibling>) -> Result<(), E>,
) -> Result<(), E> {
    let name = path.file_name().ok_or_else(|| Error::NoFileName { path: path.to_owned() })?;
    let folder = match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    may_fail(folder).and_then(|()| fs::create_dir_all(folder)).map_err(Error::write(path))?;
    let (temp, file) =
        may_fail(folder).and_then(|()| Temp::create(folder, &name.to_string_lossy())).map_err(Error::write(path))?;
    let mut writer = BufWriter::with_capacity(1 << 20, Sibling { file, path: temp.0.clone() });
    write(&mut writer)?;
    writer.flush().map_err(Error::write(path))?;
    may_fail(path).and_then(|()| writer.get_ref().file.sync_all()).map_err(Error::write(path))?;
    drop(writer);
    may_fail(path).and_then(|()| fs::rename(&temp.0, path)).map_err(Error::write(path))?;
    Ok(may_fail(path).and_then(|()| sync_folder(folder)).map_err(Error::write(path))?)
}

/// The hidden sibling that is being filled.
pub struct Sibling {
    file: File,
    path: PathBuf,
}

impl Write for Sibling {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        may_fail(&self.path)?;
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// A folder that one program at a time writes to; others are kept out until this is dropped or the program ends.
#[derive(Debug)]
pub struct FolderLock {
    /// The lock is the system's, and goes when the file is closed, even by a kill.
    _file: File,
}

impl FolderLock {
    const FILE_NAME: &'static str = ".lock";

    /// Claim `folder`, made if it is missing, and remove half-written files that a killed program left in it.
    ///
    /// Errors: `Locked` if another program has it; the folder cannot be written.
    pub fn claim(folder: &Path) -> Result<Self, Error> {
        let path = folder.join(Self::FILE_NAME);
        may_fail(folder).and_then(|()| fs::create_dir_all(folder)).map_err(Error::write(&path))?;
        let open = || fs::OpenOptions::new().create(true).truncate(false).write(true).open(&path);
        let file = may_fail(&path).and_then(|()| open()).map_err(Error::write(&path))?;
        let mut n_tries = 0;
        loop {
            match file.try_lock() {
                Ok(()) => break,
                // Somebody may just have looked whether the folder is held.
                Err(fs::TryLockError::WouldBlock) if n_tries < 3 => {
                    n_tries += 1;
                    std::thread::sleep(std::time::Duration::from_millis(50));
                }
                Err(fs::TryLockError::WouldBlock) => return Err(Error::Locked { folder: folder.to_owned() }),
                // Some network file systems know no locks: then nobody is kept out, as without this type.
                Err(fs::TryLockError::Error(error)) if is_lockless(&error) => break,
                Err(fs::TryLockError::Error(error)) => return Err(Error::write(&path)(error)),
            }
        }
        remove_run_siblings(folder)?;
        Ok(Self { _file: file })
    }

    /// Whether a program is at work in `folder` at this moment.
    pub fn is_held(folder: &Path) -> bool {
        let file = File::open(folder.join(Self::FILE_NAME));
        file.is_ok_and(|file| matches!(file.try_lock_shared(), Err(fs::TryLockError::WouldBlock)))
    }

    /// Remove a folder that holds a lock and nothing else; any other stays as it is.
    pub fn remove_empty(folder: &Path) {
        let is_only_lock = fs::read_dir(folder).is_ok_and(|mut entries| {
            entries.all(|entry| entry.is_ok_and(|entry| entry.file_name() == Self::FILE_NAME))
        });
        if is_only_lock {
            // What cannot be removed is an empty folder: no harm, and the error that matters is already on its way up.
            let _ = fs::remove_file(folder.join(Self::FILE_NAME));
            let _ = fs::remove_dir(folder);
        }
    }
}

/// Unsupported, or "no locks available", which has no kind of its own.
fn is_lockless(error: &io::Error) -> bool {
    const ENOLCK: i32 = 37;
    error.kind() == io::ErrorKind::Unsupported || (cfg!(target_os = "linux") && error.raw_os_error() == Some(ENOLCK))
}

/// Folders of a run folder that files are written to.
const FOLDERS: [&str; 4] = ["tables", "tensors", "artifacts", "ablations"];

/// Siblings that were never renamed in the folders of a run.
fn remove_run_siblings(run_dir: &Path) -> Result<(), Error> {
    let folders: Vec<PathBuf> = FOLDERS.iter().map(|folder| run_dir.join(folder)).chain([run_dir.to_owned()]).collect();
    remove_siblings(&folders)
}

/// Remove half-written files from these folders, which this program must hold the lock of: only a kill leaves them. Files of any other
/// name are not ours; a folder that is not there has none.
pub fn remove_siblings<'a>(folders: impl IntoIterator<Item = &'a PathBuf>) -> Result<(), Error> {
    for folder in folders {
        let remove = || {
            let entries = match fs::read_dir(folder) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
                entries => entries?,
            };
            for entry in entries {
                let entry = entry?;
                if entry.file_type()?.is_file() && is_sibling(&entry.file_name().to_string_lossy()) {
                    may_fail(folder).and_then(|()| fs::remove_file(entry.path()))?;
                }
            }
            Ok(())
        };
        remove().map_err(Error::write(folder))?;
    }
    Ok(())
}

/// Whether the name is one that [`Temp::create`] gives: `.NAME.PID-NUMBER.tmp`.
fn is_sibling(name: &str) -> bool {
    let ours = name.strip_prefix('.').and_then(|name| name.strip_suffix(".tmp")).and_then(|name| name.rsplit_once('.'));
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    ours.and_then(|(_, numbers)| numbers.split_once('-'))
        .is_some_and(|(pid, number)| is_number(pid) && is_number(number))
}

/// Remove files of a run folder; one that is not there is none too many.
pub fn remove_files(paths: &[PathBuf]) -> Result<(), Error> {
    for path in paths {
        match may_fail(path).and_then(|()| fs::remove_file(path)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(Error::write(path)(error)),
            _ => {}
        }
    }
    Ok(())
}

/// Where tests let the system refuse; see `faults`.
#[cfg(feature = "faults")]
fn may_fail(path: &Path) -> io::Result<()> {
    faults::check(path)
}

/// Where tests let the system refuse; otherwise nothing.
#[cfg(not(feature = "faults"))]
#[expect(clippy::unnecessary_wraps, reason = "with feature `faults` it fails")]
fn may_fail(_: &Path) -> io::Result<()> {
    Ok(())
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
