//! A folder of text that is there whole or not at all, and says in a `NOTICE` what it is.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The name has no extension, so that no pattern of text files takes it for one.
const NOTICE: &str = "NOTICE";
/// First line of a notice: a folder without it is not ours to replace.
const MARK: &str = "Text of a Homolog demo.";

/// A hidden sibling that is filled and then renamed; dropped before, it is removed with all that is in it.
///
/// One program at a time may fill a folder: whoever comes second removes what a killed one left.
pub(super) struct Filling {
    sibling: PathBuf,
    destination: PathBuf,
}

impl Filling {
    /// Errors: there is something else in `destination`'s place; nothing can be written.
    pub(super) fn begin(destination: &Path) -> io::Result<Self> {
        let name = destination.file_name().ok_or_else(|| io::Error::other("this names no folder"))?;
        let sibling = destination.with_file_name(format!(".{}.partial", name.to_string_lossy()));
        check_replaceable(destination)?;
        remove(&sibling)?;
        fs::create_dir_all(&sibling)?;
        Ok(Self { sibling, destination: destination.to_owned() })
    }

    /// Where to write.
    pub(super) fn path(&self) -> &Path {
        &self.sibling
    }

    /// `filled`, a folder within [`Filling::path`] or that itself, becomes the destination.
    pub(super) fn finish(self, filled: &Path, notice: &str) -> io::Result<()> {
        fs::write(filled.join(NOTICE), with_mark(notice))?;
        check_replaceable(&self.destination)?;
        remove(&self.destination)?;
        fs::rename(filled, &self.destination)
    }
}

impl Drop for Filling {
    fn drop(&mut self) {
        // What is left is a hidden folder that the next filling removes.
        let _ = remove(&self.sibling);
    }
}

/// Whether `folder` was filled with this notice.
pub(super) fn has_notice(folder: &Path, notice: &str) -> bool {
    fs::read_to_string(folder.join(NOTICE)).is_ok_and(|text| text == with_mark(notice))
}

fn with_mark(notice: &str) -> String {
    format!("{MARK}\n\n{notice}")
}

/// Nothing, an empty folder, or one of ours.
fn check_replaceable(folder: &Path) -> io::Result<()> {
    let is_empty = match fs::read_dir(folder) {
        Ok(mut entries) => entries.next().is_none(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    let is_ours = fs::read_to_string(folder.join(NOTICE)).is_ok_and(|text| text.lines().next() == Some(MARK));
    if is_empty || is_ours { Ok(()) } else { Err(io::Error::other("it holds something else; choose another folder")) }
}

fn remove(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn a_folder_is_there_whole_or_not_at_all() {
        let root = tempfile::tempdir().unwrap();
        let destination = root.path().join("deep/text");
        let filling = Filling::begin(&destination).unwrap();
        fs::write(filling.path().join("1.txt"), "one").unwrap();
        drop(filling);
        assert_eq!(fs::read_dir(root.path().join("deep")).unwrap().count(), 0, "nothing is left");

        // What a killed program left goes; what is inside the sibling may be all of it.
        fs::create_dir_all(root.path().join("deep/.text.partial/old")).unwrap();
        for text in ["one", "two"] {
            let filling = Filling::begin(&destination).unwrap();
            let inner = filling.path().join("inner");
            fs::create_dir(&inner).unwrap();
            fs::write(inner.join("1.txt"), text).unwrap();
            filling.finish(&inner, "About it.\n").unwrap();
            assert_eq!(fs::read_to_string(destination.join("1.txt")).unwrap(), text);
            assert_eq!(fs::read_dir(root.path().join("deep")).unwrap().count(), 1);
        }
        assert!(has_notice(&destination, "About it.\n") && !has_notice(&destination, "About another.\n"));
    }

    #[test]
    fn what_others_put_there_is_not_replaced() {
        let root = tempfile::tempdir().unwrap();
        let destination = root.path().join("text");
        fs::create_dir(&destination).unwrap();
        fs::write(destination.join("NOTICE"), "My novel.\n").unwrap();
        assert!(Filling::begin(&destination).is_err());
        fs::remove_file(destination.join("NOTICE")).unwrap();
        let filling = Filling::begin(&destination).unwrap();
        fs::write(destination.join("novel.txt"), "It was").unwrap();
        let filled = filling.path().to_owned();
        assert!(filling.finish(&filled, "").is_err(), "put there in between");
        assert_eq!(fs::read_to_string(destination.join("novel.txt")).unwrap(), "It was");
        fs::write(root.path().join("file"), "").unwrap();
        assert!(Filling::begin(&root.path().join("file")).is_err());
    }
}
