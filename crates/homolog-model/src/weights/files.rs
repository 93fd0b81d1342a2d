//! The weight files of a model folder, whichever format and number they are.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::index::Tensors;
use super::{safetensors, torch_file};
use crate::Error;

/// The weight files of a folder, found but not yet looked into.
pub(crate) struct WeightFiles {
    /// What messages about the whole name: the weight file, or the index of the shards.
    pub(crate) path: PathBuf,
    /// In the order in which they are hashed: shards by name.
    pub(crate) files: Vec<PathBuf>,
    index: fn(&Path, usize) -> Result<Tensors, Error>,
    /// Which shard each tensor is said to be in.
    shards: Option<BTreeMap<String, String>>,
}

/// `model.safetensors.index.json` and its like.
#[derive(Deserialize)]
struct ShardIndex {
    weight_map: BTreeMap<String, String>,
}

impl WeightFiles {
    /// The first of `model.safetensors`, its shards, `pytorch_model.bin` and its shards that the folder has.
    ///
    /// Errors: none of them, an index that is no index, a shard that is not a file of the folder.
    pub(crate) fn find(folder: &Path) -> Result<Self, Error> {
        let formats = [
            ("model.safetensors", safetensors::index as fn(&Path, usize) -> _),
            ("pytorch_model.bin", torch_file::index),
        ];
        for (name, index) in formats {
            let path = folder.join(name);
            if path.is_file() {
                return Ok(Self { files: vec![path.clone()], path, index, shards: None });
            }
            let path = folder.join(format!("{name}.index.json"));
            if path.is_file() {
                let shards = read_shard_index(&path)?;
                let mut names: Vec<&String> = shards.values().collect();
                names.sort();
                names.dedup();
                let files = names.into_iter().map(|shard| shard_path(folder, &path, shard));
                let files = files.collect::<Result<_, _>>()?;
                return Ok(Self { path, files, index, shards: Some(shards) });
            }
        }
        Err(Error::NoWeights { folder: folder.to_path_buf(), hint: "; is this the folder of a checkpoint?".into() })
    }

    /// Where every tensor lies. Errors: a file that is not of its format; shards that are not as their index says.
    pub(crate) fn tensors(&self) -> Result<Tensors, Error> {
        let bad = |message: String| Error::BadShards { path: self.path.clone(), message };
        let mut tensors = Tensors::new();
        for (file, path) in self.files.iter().enumerate() {
            for (name, stored) in (self.index)(path, file)? {
                let shard = path.file_name().unwrap_or_default().to_string_lossy();
                if let Some(shards) = &self.shards {
                    match shards.get(&name) {
                        Some(said) if *said == shard => {}
                        Some(said) => {
                            return Err(bad(format!("tensor `{name}` is in {shard} too, not only in {said}")));
                        }
                        None => return Err(bad(format!("tensor `{name}` of {shard} is not listed"))),
                    }
                }
                tensors.insert(name, stored);
            }
        }
        match self.shards.iter().flatten().find(|(name, _)| !tensors.contains_key(*name)) {
            Some((name, shard)) => Err(bad(format!("tensor `{name}` is not in {shard}"))),
            None => Ok(tensors),
        }
    }
}

fn read_shard_index(path: &Path) -> Result<BTreeMap<String, String>, Error> {
    let text = std::fs::read(path).map_err(|source| Error::Unreadable { path: path.to_path_buf(), source })?;
    let bad = |message: String| Error::BadShards { path: path.to_path_buf(), message };
    let index: ShardIndex =
        serde_json::from_slice(&text).map_err(|error| bad(format!("is no index of shards ({error})")))?;
    if index.weight_map.is_empty() { Err(bad("lists no tensors".into())) } else { Ok(index.weight_map) }
}

/// A shard is named by a plain name, so that an index from anywhere cannot point outside its folder; a link of that name may,
/// as those of the Hugging Face cache do.
fn shard_path(folder: &Path, index: &Path, shard: &str) -> Result<PathBuf, Error> {
    let bad = |message: String| Error::BadShards { path: index.to_path_buf(), message };
    let is_plain = !matches!(shard, "" | "." | "..") && !shard.contains(['/', '\\', ':', '\0']);
    if !is_plain {
        return Err(bad(format!("shard {shard:?} is not a plain file name")));
    }
    let path = folder.join(shard);
    if path.is_file() { Ok(path) } else { Err(bad(format!("shard {shard} is not in the folder"))) }
}
