//! The pickle inside a `PyTorch` file: opcodes in, the tensors of a state dict out. Nothing in it is run.
//!
//! A pickle is a program for a small stack machine. This machine has the opcodes that `torch.save` writes for a state dict
//! (protocol 2) and no others, and knows the few names in `object.rs` instead of importing any. Objects lie in one list and
//! refer to each other by number, so sharing costs nothing, nesting is never followed by recursion, and memory grows with the
//! number of opcodes, never faster (decision 0006).

mod object;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};

pub(super) use object::Tensor;
use object::{Global, Id, Object};

/// A longer program than this is no state dict: GPT-2 XL takes 90 kB.
pub(super) const MAX_BYTES: u64 = 16 << 20;
/// As many objects as four hundred GPT-2 XLs; 24 bytes each.
const MAX_OBJECTS: usize = 1 << 20;

const LIST: &str = "a list";

/// Why a pickle was refused.
#[derive(Debug, PartialEq)]
pub(super) enum Fault {
    /// It is not a state dict that `torch.save` wrote; a fragment that says what is wrong.
    Bad(String),
    /// It names this function or class, which is not among those of a state dict.
    Code(String),
}

impl Fault {
    fn bad(message: impl Into<String>) -> Self {
        Self::Bad(message.into())
    }
}

/// The tensors of a pickled state dict by name.
///
/// Errors: see [`Fault`]. Panics: never, whatever the bytes. Memory: at most 24 bytes of objects, 16 of memo and 4 of stack for
/// an opcode, and there are no more of them than bytes.
pub(super) fn state_dict(bytes: &[u8]) -> Result<BTreeMap<&str, Tensor<'_>>, Fault> {
    let mut machine = Machine { bytes, at: 0, objects: vec![], stack: vec![], marks: vec![], memo: HashMap::new() };
    let top = machine.run()?;
    machine.tensors(top)
}

struct Machine<'a> {
    bytes: &'a [u8],
    at: usize,
    objects: Vec<Object<'a>>,
    stack: Vec<Id>,
    /// Heights of the stack at each mark.
    marks: Vec<usize>,
    memo: HashMap<u32, Id>,
}

impl<'a> Machine<'a> {
    /// Run to the end and give the object left on the stack.
    fn run(&mut self) -> Result<Id, Fault> {
        loop {
            let at = self.at;
            let [opcode] = self.field()?;
            match opcode {
                0x80 => match self.field()? {
                    [2] => {}
                    [protocol] => {
                        return Err(Fault::Bad(format!("is of pickle protocol {protocol}, torch.save writes 2")));
                    }
                },
                b'N' => self.push(Object::Plain("None"))?,
                0x88 | 0x89 => self.push(Object::Plain("a bool"))?,
                b'K' => self.field().and_then(|[value]: [u8; 1]| self.push(Object::Int(value.into())))?,
                b'M' => self.field().and_then(|field| self.push(Object::Int(u16::from_le_bytes(field).into())))?,
                b'J' => self.field().and_then(|field| self.push(Object::Int(i32::from_le_bytes(field).into())))?,
                0x8a => self.long()?,
                b'X' => self.text()?,
                b'c' => self.global()?,
                b')' => self.push(Object::Tuple([].into()))?,
                0x85 => self.tuple(1)?,
                0x86 => self.tuple(2)?,
                0x87 => self.tuple(3)?,
                b't' => self.pop_mark().and_then(|items| self.push(Object::Tuple(items.into())))?,
                b'}' => self.push(Object::Dict(vec![]))?,
                b']' => self.push(Object::Plain(LIST))?,
                b'(' => self.marks.push(self.stack.len()),
                b'q' => self.field().and_then(|[key]: [u8; 1]| self.put(key.into()))?,
                b'r' => self.field().and_then(|field| self.put(u32::from_le_bytes(field)))?,
                b'h' => self.field().and_then(|[key]: [u8; 1]| self.get(key.into()))?,
                b'j' => self.field().and_then(|field| self.get(u32::from_le_bytes(field)))?,
                // What goes into a list is no weight.
                b'a' => self.pop().and_then(|_| self.expect_list())?,
                b'e' => self.pop_mark().and_then(|_| self.expect_list())?,
                // Nor is an attribute of a state dict: `_metadata`, the versions of its modules.
                b'b' => self.pop().and_then(|_| self.dict().map(|_| ()))?,
                b's' => self.set_item()?,
                b'u' => self.set_items()?,
                b'Q' => self.persistent()?,
                b'R' => self.reduce()?,
                b'.' if self.at == self.bytes.len() => return self.pop(),
                b'.' => return Err(Fault::Bad(format!("goes on behind its end, at byte {}", self.at))),
                _ => {
                    let message =
                        format!("has opcode {opcode:#04x} at byte {at}, which no state dict of torch.save has");
                    return Err(Fault::Bad(message));
                }
            }
        }
    }

    fn take(&mut self, n_bytes: usize) -> Result<&'a [u8], Fault> {
        let rest = &self.bytes[self.at..];
        let Some(field) = rest.get(..n_bytes) else { return Err(Fault::bad("ends in the middle")) };
        self.at += n_bytes;
        Ok(field)
    }

    fn field<const N: usize>(&mut self) -> Result<[u8; N], Fault> {
        self.take(N).map(|field| field.try_into().expect("take gives what was asked for"))
    }

    fn utf8(field: &'a [u8]) -> Result<&'a str, Fault> {
        std::str::from_utf8(field).map_err(|_| Fault::bad("has text that is not UTF-8"))
    }

    fn line(&mut self) -> Result<&'a str, Fault> {
        let length = self.bytes[self.at..].iter().position(|&byte| byte == b'\n');
        let line = self.take(length.map_or(usize::MAX, |length| length + 1))?;
        Self::utf8(&line[..line.len() - 1])
    }

    fn text(&mut self) -> Result<(), Fault> {
        let length = u32::from_le_bytes(self.field()?);
        let text = Self::utf8(self.take(length as usize)?)?;
        self.push(Object::Text(text))
    }

    fn long(&mut self) -> Result<(), Fault> {
        let [length] = self.field()?;
        let field = self.take(length.into())?;
        // Two's complement of any length: the top byte's sign fills the rest.
        let mut value = [if field.last().is_some_and(|&top| top >= 0x80) { 0xff } else { 0 }; 8];
        let Some(low) = value.get_mut(..field.len()) else { return Err(Fault::bad("has a number beyond 64 bits")) };
        low.copy_from_slice(field);
        self.push(Object::Int(i64::from_le_bytes(value)))
    }

    fn global(&mut self) -> Result<(), Fault> {
        let (module, name) = (self.line()?, self.line()?);
        let global = Global::find(module, name).ok_or_else(|| Fault::Code(shown(&format!("{module}.{name}"))))?;
        self.push(Object::Global(global))
    }

    fn push(&mut self, object: Object<'a>) -> Result<(), Fault> {
        if self.objects.len() == MAX_OBJECTS {
            return Err(Fault::Bad(format!("has more than {MAX_OBJECTS} objects")));
        }
        self.stack.push(Id(self.objects.len() as u32));
        self.objects.push(object);
        Ok(())
    }

    /// Objects below a mark are out of reach until the mark is taken.
    fn top(&self) -> Result<Id, Fault> {
        let floor = self.marks.last().copied().unwrap_or(0);
        self.stack[floor..].last().copied().ok_or_else(underflow)
    }

    fn pop(&mut self) -> Result<Id, Fault> {
        let top = self.top()?;
        self.stack.pop();
        Ok(top)
    }

    fn pop_mark(&mut self) -> Result<Vec<Id>, Fault> {
        let floor = self.marks.pop().ok_or_else(underflow)?;
        Ok(self.stack.split_off(floor))
    }

    fn tuple(&mut self, length: usize) -> Result<(), Fault> {
        let floor = self.marks.last().copied().unwrap_or(0);
        let start = self.stack.len().checked_sub(length).filter(|&start| start >= floor).ok_or_else(underflow)?;
        let items = self.stack.split_off(start);
        self.push(Object::Tuple(items.into()))
    }

    fn put(&mut self, key: u32) -> Result<(), Fault> {
        let top = self.top()?;
        self.memo.insert(key, top);
        Ok(())
    }

    fn get(&mut self, key: u32) -> Result<(), Fault> {
        let id =
            *self.memo.get(&key).ok_or_else(|| Fault::Bad(format!("recalls object {key}, which it never kept")))?;
        self.stack.push(id);
        Ok(())
    }

    fn set_item(&mut self) -> Result<(), Fault> {
        let (value, key) = (self.pop()?, self.pop()?);
        self.extend_dict(&[key, value])
    }

    fn set_items(&mut self) -> Result<(), Fault> {
        let items = self.pop_mark()?;
        self.extend_dict(&items)
    }

    fn extend_dict(&mut self, items: &[Id]) -> Result<(), Fault> {
        let (pairs, []) = items.as_chunks::<2>() else { return Err(Fault::bad("has a key without a value")) };
        self.dict()?.extend(pairs.iter().map(|&[key, value]| (key, value)));
        Ok(())
    }

    /// The dict on top of the stack.
    fn dict(&mut self) -> Result<&mut Vec<(Id, Id)>, Fault> {
        let top = self.top()?;
        match &mut self.objects[top.0 as usize] {
            Object::Dict(dict) => Ok(dict),
            _ => Err(Fault::bad("changes what is no dict")),
        }
    }

    fn expect_list(&self) -> Result<(), Fault> {
        match self.at(self.top()?) {
            Object::Plain(LIST) => Ok(()),
            _ => Err(Fault::bad("appends to what is no list")),
        }
    }

    fn at(&self, id: Id) -> &Object<'a> {
        &self.objects[id.0 as usize]
    }
}

fn underflow() -> Fault {
    Fault::bad("takes more from its stack than is there")
}

/// A name from the file, fit to be printed.
pub(super) fn shown(name: &str) -> String {
    const LONGEST: usize = 100;
    let shown: String = name.chars().take(LONGEST).flat_map(char::escape_debug).collect();
    if name.chars().nth(LONGEST).is_some() { shown + "..." } else { shown }
}
