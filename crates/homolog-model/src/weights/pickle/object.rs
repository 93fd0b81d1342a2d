//! What the machine's objects are, and the few calls by which a state dict makes tensors of them.

use std::collections::BTreeMap;

use safetensors::Dtype;

use super::{Fault, Machine, shown};

/// Where an object lies in the machine's list.
#[derive(Clone, Copy)]
pub(super) struct Id(pub(super) u32);

pub(super) enum Object<'a> {
    /// Something whose value no tensor depends on, by what it is called.
    Plain(&'static str),
    Int(i64),
    Text(&'a str),
    Global(Global),
    Tuple(Box<[Id]>),
    /// Also an `OrderedDict`.
    Dict(Vec<(Id, Id)>),
    Storage(Box<Storage<'a>>),
    Tensor(Box<View<'a>>),
}

/// A tensor as the pickle says it, which may be nonsense.
pub(super) struct View<'a> {
    storage: Storage<'a>,
    start: i64,
    shape: Vec<u64>,
    strides: Vec<u64>,
}

/// The names that a state dict may mention. What is not here is never looked up, so it cannot be run.
#[derive(Clone, Copy)]
pub(super) enum Global {
    OrderedDict,
    RebuildTensor,
    RebuildParameter,
    StorageType(Dtype),
}

impl Global {
    pub(super) fn find(module: &str, name: &str) -> Option<Self> {
        Some(match (module, name) {
            ("collections", "OrderedDict") => Self::OrderedDict,
            ("torch._utils", "_rebuild_tensor_v2") => Self::RebuildTensor,
            ("torch._utils", "_rebuild_parameter") => Self::RebuildParameter,
            ("torch", storage) => Self::StorageType(match storage {
                "FloatStorage" => Dtype::F32,
                "HalfStorage" => Dtype::F16,
                "BFloat16Storage" => Dtype::BF16,
                "DoubleStorage" => Dtype::F64,
                "LongStorage" => Dtype::I64,
                "IntStorage" => Dtype::I32,
                "ShortStorage" => Dtype::I16,
                "CharStorage" => Dtype::I8,
                "ByteStorage" => Dtype::U8,
                "BoolStorage" => Dtype::BOOL,
                _ => return None,
            }),
            _ => return None,
        })
    }
}

/// A run of elements that tensors view: one entry of the archive.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Storage<'a> {
    pub(crate) dtype: Dtype,
    /// Its entry is `data/` and this.
    pub(crate) key: &'a str,
    pub(crate) n_elements: u64,
}

/// A contiguous view of a storage that holds all of it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Tensor<'a> {
    pub(crate) storage: Storage<'a>,
    /// First element.
    pub(crate) start: u64,
    pub(crate) n_elements: u64,
    pub(crate) shape: Vec<usize>,
}

/// More axes than any tensor here has; so that one long shape, recalled for many tensors, cannot fill the memory.
const MAX_AXES: usize = 8;

impl<'a> Machine<'a> {
    /// `('storage', type, key, device, n_elements)`, by which `torch.save` refers to an entry of the archive.
    pub(super) fn persistent(&mut self) -> Result<(), Fault> {
        let reference = self.pop()?;
        let fields = if let Object::Tuple(items) = self.at(reference) { &items[..] } else { &[] };
        let storage = match fields.iter().map(|&id| self.at(id)).collect::<Vec<_>>()[..] {
            [
                Object::Text("storage"),
                &Object::Global(Global::StorageType(dtype)),
                &Object::Text(key),
                Object::Text(_),
                &Object::Int(n_elements),
            ] if n_elements >= 0 => Storage { dtype, key, n_elements: n_elements as u64 },
            _ => return Err(Fault::bad("has a reference that is not to a storage")),
        };
        self.push(Object::Storage(Box::new(storage)))
    }

    /// A call: of the four names, only three can be called, and each does no more than is written here.
    pub(super) fn reduce(&mut self) -> Result<(), Fault> {
        let (arguments, callable) = (self.pop()?, self.pop()?);
        let Object::Tuple(arguments) = self.at(arguments) else {
            return Err(Fault::bad("calls a function with what is no tuple"));
        };
        match (self.at(callable), &arguments[..]) {
            (Object::Global(Global::OrderedDict), []) => self.push(Object::Dict(vec![])),
            // Also requires_grad, hooks and, of late, metadata.
            (Object::Global(Global::RebuildTensor), &[storage, start, shape, strides, _, _, ..]) => {
                let view = self.view(storage, start, shape, strides)?;
                self.push(Object::Tensor(Box::new(view)))
            }
            (Object::Global(Global::RebuildParameter), &[tensor, _, _])
                if matches!(self.at(tensor), Object::Tensor(_)) =>
            {
                self.stack.push(tensor);
                Ok(())
            }
            _ => Err(Fault::bad("calls a function with arguments that torch.save does not write")),
        }
    }

    fn view(&self, storage: Id, start: Id, shape: Id, strides: Id) -> Result<View<'a>, Fault> {
        let (Object::Storage(storage), &Object::Int(start)) = (self.at(storage), self.at(start)) else {
            return Err(Fault::bad("makes a tensor of what is no storage"));
        };
        Ok(View { storage: **storage, start, shape: self.lengths(shape)?, strides: self.lengths(strides)? })
    }

    /// A tuple of lengths or strides.
    fn lengths(&self, id: Id) -> Result<Vec<u64>, Fault> {
        let Object::Tuple(items) = self.at(id) else { return Err(Fault::bad("has a shape that is no tuple")) };
        if items.len() > MAX_AXES {
            return Err(Fault::Bad(format!("has a tensor with more than {MAX_AXES} axes")));
        }
        let length = |&id: &Id| match self.at(id) {
            &Object::Int(length) => u64::try_from(length).ok(),
            _ => None,
        };
        items.iter().map(length).collect::<Option<_>>().ok_or_else(|| Fault::bad("has a shape that is not of lengths"))
    }

    /// The state dict that the pickle leaves behind.
    pub(super) fn tensors(&self, top: Id) -> Result<BTreeMap<&'a str, Tensor<'a>>, Fault> {
        let Object::Dict(dict) = self.at(top) else { return Err(Fault::bad("holds no dict of tensors")) };
        let mut tensors = BTreeMap::new();
        for &(key, value) in dict {
            let &Object::Text(name) = self.at(key) else { return Err(Fault::bad("has a key that is not text")) };
            let tensor = match self.at(value) {
                Object::Tensor(view) => view.tensor(name)?,
                other => {
                    return Err(Fault::Bad(format!("holds {} under `{}`, not a tensor", other.kind(), shown(name))));
                }
            };
            if tensors.insert(name, tensor).is_some() {
                return Err(Fault::Bad(format!("holds `{}` twice", shown(name))));
            }
        }
        Ok(tensors)
    }
}

impl<'a> View<'a> {
    /// Errors: a view that reaches beyond its storage, or that is not contiguous.
    fn tensor(&self, name: &str) -> Result<Tensor<'a>, Fault> {
        let Self { storage, start, shape, strides } = self;
        let outside = || {
            let (name, n_elements) = (shown(name), storage.n_elements);
            Fault::Bad(format!("has `{name}` of shape {shape:?} from element {start} of a storage of {n_elements}"))
        };
        let n_elements = shape.iter().try_fold(1_u64, |product, &length| product.checked_mul(length));
        let n_elements = n_elements.ok_or_else(outside)?;
        let start = u64::try_from(*start).map_err(|_| outside())?;
        if start.checked_add(n_elements).is_none_or(|end| end > storage.n_elements) {
            return Err(outside());
        }
        if !is_contiguous(shape, strides) {
            return Err(Fault::Bad(format!(
                "has `{}` of shape {shape:?} with strides {strides:?}, which is not contiguous; \
                 call .contiguous() on it before it is saved",
                shown(name)
            )));
        }
        let shape = shape.iter().map(|&length| usize::try_from(length)).collect::<Result<_, _>>();
        Ok(Tensor { storage: *storage, start, n_elements, shape: shape.map_err(|_| outside())? })
    }
}

impl Object<'_> {
    fn kind(&self) -> &'static str {
        match self {
            Self::Plain(kind) => kind,
            Self::Int(_) => "a number",
            Self::Text(_) => "text",
            Self::Global(_) => "a function",
            Self::Tuple(_) => "a tuple",
            Self::Dict(_) => "another dict",
            Self::Storage(_) => "a bare storage",
            Self::Tensor(_) => "a tensor",
        }
    }
}

/// Row-major without gaps; the stride of an axis of one element says nothing, nor do strides of no elements.
fn is_contiguous(shape: &[u64], strides: &[u64]) -> bool {
    if shape.len() != strides.len() || shape.contains(&0) {
        return shape.len() == strides.len();
    }
    let mut expected = 1_u64;
    shape.iter().zip(strides).rev().all(|(&length, &stride)| {
        let is_next = length == 1 || stride == expected;
        expected = expected.saturating_mul(length);
        is_next
    })
}
