//! Joins the explorer's scripts in the order of `explorer/order.txt`, and its styles by name, to what `src/explorer/page.rs` embeds.

use std::fs;
use std::path::{Path, PathBuf};

fn main() {
    println!("cargo::rerun-if-changed=explorer");
    let folder = Path::new("explorer");
    let read = |path: &Path| fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let order = read(&folder.join("order.txt"));
    let names = order.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let scripts: Vec<PathBuf> = names.map(|name| folder.join(name)).collect();
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("explorer: {error}"));
    let mut styles: Vec<PathBuf> = entries
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "css"))
        .collect();
    styles.sort();
    let output = PathBuf::from(std::env::var_os("OUT_DIR").expect("cargo sets it"));
    for (files, name) in [(scripts, "explorer.js"), (styles, "explorer.css")] {
        let text: Vec<String> = files.iter().map(|path| read(path)).collect();
        let joined = text.join("\n");
        // Inside of HTML this would end the element that it stands in.
        for end in ["</script", "</style", "<!--"] {
            assert!(!joined.to_ascii_lowercase().contains(end), "{name} contains {end}");
        }
        fs::write(output.join(name), joined).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
}
