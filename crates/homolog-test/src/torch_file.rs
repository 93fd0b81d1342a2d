//! Writers of `pytorch_model.bin` as `torch.save` makes it, and of the pickles and archives that it does not make.

#[cfg(test)]
mod tests;

use safetensors::Dtype;

/// A tensor to be pickled, row-major.
#[derive(Debug, Clone, Copy)]
pub struct TorchTensor<'a> {
    /// Its key in the state dict.
    pub name: &'a str,
    /// Its type: one of those that PyTorch has a named storage for.
    pub dtype: Dtype,
    /// Lengths of the axes.
    pub shape: &'a [usize],
    /// Its elements, little-endian. Tensors of equal bytes share a storage, as tied weights do.
    pub bytes: &'a [u8],
}

/// The file that `torch.save(model.state_dict())` makes: an `OrderedDict` with the attribute `_metadata`.
pub fn torch_file(tensors: &[TorchTensor<'_>]) -> Vec<u8> {
    let mut pickle = Pickle::new().global("collections", "OrderedDict").raw(b")R(");
    let mut entries = vec![];
    for (at, tensor) in tensors.iter().enumerate() {
        let storage = tensors.iter().position(|other| other.bytes == tensor.bytes && other.dtype == tensor.dtype);
        if storage == Some(at) {
            entries.push((format!("model/data/{at}"), tensor.bytes));
        }
        let key = storage.unwrap_or(at).to_string();
        let size = tensor.dtype.bitsize() / 8;
        let storage = Storage { kind: storage_type(tensor.dtype), key: &key, n_elements: tensor.bytes.len() / size };
        pickle = pickle.text(tensor.name).tensor(storage, 0, tensor.shape, &contiguous(tensor.shape));
    }
    let pickle = pickle.raw(b"u}").text("_metadata").global("collections", "OrderedDict").raw(b")R");
    let pickle = pickle.text("").raw(b"}").text("version").int(1).raw(b"sssb.");
    let extras: [(&str, &[u8]); 5] = [
        ("model/.format_version", b"1"),
        ("model/.storage_alignment", b"64"),
        ("model/byteorder", b"little"),
        ("model/version", b"3\n"),
        ("model/.data/serialization_id", b"0123456789"),
    ];
    let mut all = vec![Entry::stored("model/data.pkl", &pickle.0)];
    all.extend(extras.iter().map(|(name, bytes)| Entry::stored(name, bytes)));
    all.extend(entries.iter().map(|(name, bytes)| Entry::stored(name, bytes)));
    archive(&all)
}

/// Strides of a tensor without gaps, in elements.
pub fn contiguous(shape: &[usize]) -> Vec<usize> {
    (0..shape.len()).map(|axis| shape[axis + 1..].iter().product()).collect()
}

/// What a tensor is a view of.
#[derive(Debug, Clone, Copy)]
pub struct Storage<'a> {
    /// `FloatStorage` and its like.
    pub kind: &'a str,
    /// Its entry is `data/` and this.
    pub key: &'a str,
    /// Its length.
    pub n_elements: usize,
}

fn storage_type(dtype: Dtype) -> &'static str {
    match dtype {
        Dtype::F32 => "FloatStorage",
        Dtype::F16 => "HalfStorage",
        Dtype::BF16 => "BFloat16Storage",
        Dtype::F64 => "DoubleStorage",
        Dtype::I64 => "LongStorage",
        Dtype::U8 => "ByteStorage",
        Dtype::BOOL => "BoolStorage",
        other => panic!("PyTorch has no storage that is named after {other:?}"),
    }
}

/// A pickle, written an opcode after another; nothing stops it from being unsound.
#[derive(Debug, Clone)]
pub struct Pickle(pub Vec<u8>);

impl Default for Pickle {
    fn default() -> Self {
        Self::new()
    }
}

impl Pickle {
    /// Protocol 2.
    pub fn new() -> Self {
        Self(vec![0x80, 2])
    }

    /// These opcodes.
    #[must_use]
    pub fn raw(mut self, opcodes: &[u8]) -> Self {
        self.0.extend(opcodes);
        self
    }

    /// A string.
    #[must_use]
    pub fn text(self, text: &str) -> Self {
        self.raw(b"X").raw(&(text.len() as u32).to_le_bytes()).raw(text.as_bytes())
    }

    /// A number, in the shortest of its four forms.
    #[must_use]
    pub fn int(self, value: i64) -> Self {
        match value {
            0..0x100 => self.raw(&[b'K', value as u8]),
            0x100..0x1_0000 => self.raw(b"M").raw(&(value as u16).to_le_bytes()),
            _ if i32::try_from(value).is_ok() => self.raw(b"J").raw(&(value as i32).to_le_bytes()),
            _ => self.raw(&[0x8a, 8]).raw(&value.to_le_bytes()),
        }
    }

    /// A name to be imported.
    #[must_use]
    pub fn global(self, module: &str, name: &str) -> Self {
        self.raw(format!("c{module}\n{name}\n").as_bytes())
    }

    /// A tuple of lengths.
    #[must_use]
    pub fn lengths(self, lengths: &[usize]) -> Self {
        lengths.iter().fold(self.raw(b"("), |pickle, &length| pickle.int(length as i64)).raw(b"t")
    }

    /// A reference to a storage.
    #[must_use]
    pub fn storage(self, storage: Storage<'_>) -> Self {
        let pickle = self.raw(b"(").text("storage").global("torch", storage.kind).text(storage.key).text("cpu");
        pickle.int(storage.n_elements as i64).raw(b"tQ")
    }

    /// A tensor that begins at element `start` of a storage.
    #[must_use]
    pub fn tensor(self, storage: Storage<'_>, start: i64, shape: &[usize], strides: &[usize]) -> Self {
        let pickle = self.global("torch._utils", "_rebuild_tensor_v2").raw(b"(").storage(storage).int(start);
        let pickle = pickle.lengths(shape).lengths(strides).raw(b"\x89").global("collections", "OrderedDict");
        pickle.raw(b")RtR")
    }
}

/// An entry of a zip archive; nothing stops it from being unsound.
#[derive(Debug, Clone, Copy)]
pub struct Entry<'a> {
    /// Its name with its folders.
    pub name: &'a str,
    /// What it holds.
    pub bytes: &'a [u8],
    /// How it says that it is compressed: 0 is not at all.
    pub method: u16,
    /// General purpose flags: bit 0 is encrypted.
    pub flags: u16,
}

impl<'a> Entry<'a> {
    /// An entry as `torch.save` writes it.
    pub fn stored(name: &'a str, bytes: &'a [u8]) -> Self {
        Self { name, bytes, method: 0, flags: 0 }
    }
}

/// A zip archive of these entries, in this order.
pub fn archive(entries: &[Entry<'_>]) -> Vec<u8> {
    let (mut file, mut directory) = (vec![], vec![]);
    for entry in entries {
        let (offset, n_bytes) = (file.len() as u32, entry.bytes.len() as u32);
        let mut common = vec![];
        for field in [20, entry.flags, entry.method, 0, 0x21] {
            common.extend(field.to_le_bytes());
        }
        for field in [crc32(entry.bytes), n_bytes, n_bytes] {
            common.extend(field.to_le_bytes());
        }
        common.extend((entry.name.len() as u16).to_le_bytes());
        common.extend([0; 2]);
        file.extend(b"PK\x03\x04");
        file.extend(&common);
        file.extend(entry.name.as_bytes());
        file.extend(entry.bytes);
        directory.extend(b"PK\x01\x02\x14\0");
        directory.extend(&common);
        directory.extend([0; 10]);
        directory.extend(offset.to_le_bytes());
        directory.extend(entry.name.as_bytes());
    }
    let (start, n_bytes, n_entries) = (file.len() as u32, directory.len() as u32, entries.len() as u16);
    file.extend(directory);
    file.extend(b"PK\x05\x06\0\0\0\0");
    file.extend([n_entries.to_le_bytes(), n_entries.to_le_bytes()].concat());
    file.extend([n_bytes.to_le_bytes(), start.to_le_bytes()].concat());
    file.extend([0; 2]);
    file
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| (crc >> 1) ^ if crc & 1 == 1 { 0xedb8_8320 } else { 0 })
    })
}
