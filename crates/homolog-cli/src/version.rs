//! What `--version` tells: the version, the commit it was built from, and the instruction sets.

use std::sync::LazyLock;

use homolog_study::Isa;

/// Of the source that this program was built from; "unknown" if that was no git checkout.
pub(crate) const COMMIT: &str = env!("HOMOLOG_COMMIT");

/// What stands behind the program's name in `--version`; `-V` has the first line.
pub(crate) static LONG: LazyLock<String> = LazyLock::new(|| {
    let available = Isa::available().iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let version = env!("CARGO_PKG_VERSION");
    format!("{version}\ncommit   {COMMIT}\ncpu      {} in use; {available} available", Isa::current())
});
