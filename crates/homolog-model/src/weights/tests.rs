#![expect(clippy::unwrap_used, reason = "tests")]

use std::fs;

use super::*;

fn hint(folder: &Path) -> String {
    match find(folder) {
        Err(Error::NoWeights { hint, .. }) => hint,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_there_instead_of_weights_is_said() {
    let folder = tempfile::tempdir().unwrap();
    assert!(hint(folder.path()).contains("is this the folder of a checkpoint?"));
    assert!(hint(&folder.path().join("missing")).contains("no such folder"));
    fs::write(folder.path().join("pytorch_model.bin"), "").unwrap();
    assert!(hint(folder.path()).contains("pytorch_model.bin"));
    fs::write(folder.path().join("model.safetensors.index.json"), "").unwrap();
    assert!(hint(folder.path()).contains("shards"));
    fs::create_dir(folder.path().join("model.safetensors")).unwrap();
    assert!(hint(folder.path()).contains("shards"), "a folder of that name is no weight file");
    fs::remove_dir(folder.path().join("model.safetensors")).unwrap();
    fs::write(folder.path().join("model.safetensors"), "").unwrap();
    assert_eq!(find(folder.path()).unwrap(), folder.path().join("model.safetensors"));
}
