//! The header of a `.npy` file (`NumPy` format specification, versions 1 to 3).

use safetensors::Dtype;

use super::Array;

/// Parse header and locate the data of a one- or two-dimensional little-endian integer array in C order.
pub(super) fn parse(bytes: &[u8]) -> Result<Array<'_>, String> {
    let truncated = || "is not a whole .npy file; save it again".to_owned();
    if !bytes.starts_with(b"\x93NUMPY") {
        return Err(truncated());
    }
    let (length, start): (usize, usize) = match bytes.get(6) {
        Some(1) => (usize::from(u16::from_le_bytes(field(bytes, 8).ok_or_else(truncated)?)), 10),
        Some(2 | 3) => (u32::from_le_bytes(field(bytes, 8).ok_or_else(truncated)?) as usize, 12),
        _ => return Err("is of an unknown .npy version; save it with numpy.save".into()),
    };
    let data = start.checked_add(length).ok_or_else(truncated)?;
    let header = std::str::from_utf8(bytes.get(start..data).ok_or_else(truncated)?).map_err(|_| truncated())?;
    let value = |key: &str| header.split_once(&format!("'{key}':")).map(|(_, rest)| rest.trim_start());
    let dtype = value("descr").ok_or_else(truncated)?;
    let dtype = match dtype.split('\'').nth(1) {
        Some("|u1") => Dtype::U8,
        Some("<u2") => Dtype::U16,
        Some("<i2") => Dtype::I16,
        Some("<u4") => Dtype::U32,
        Some("<i4") => Dtype::I32,
        Some("<u8") => Dtype::U64,
        Some("<i8") => Dtype::I64,
        _ => {
            return Err(format!(
                "holds {}; token ids are little-endian integers",
                dtype.split(',').next().unwrap_or(dtype)
            ));
        }
    };
    if !value("fortran_order").ok_or_else(truncated)?.starts_with("False") {
        return Err("is in Fortran order; save it with numpy.ascontiguousarray".into());
    }
    let shape = value("shape").and_then(|shape| shape.strip_prefix('(')?.split_once(')')).ok_or_else(truncated)?.0;
    let shape: Vec<usize> = shape
        .split(',')
        .map(str::trim)
        .filter(|length| !length.is_empty())
        .map(|length| length.parse().map_err(|_| truncated()))
        .collect::<Result<_, _>>()?;
    let row_length = match shape[..] {
        [_] => None,
        [_, row_length] => Some(row_length),
        _ => return Err(format!("has shape {shape:?}; rows are [n_rows, context]")),
    };
    let n_values =
        shape.iter().try_fold(1_usize, |product, &length| product.checked_mul(length)).ok_or_else(truncated)?;
    let array = Array { dtype, row_length, bytes: &bytes[data..] };
    let is_whole = n_values.checked_mul(dtype.bitsize() / 8) == Some(array.bytes.len());
    is_whole.then_some(array).ok_or_else(truncated)
}

fn field<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..at + N)?.try_into().ok()
}
