//! The types a column may have, each with its Arrow array, its order, and whether it is NaN. Used by `table!` only.

use std::cmp::Ordering;
use std::path::Path;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float32Type, Float64Type, Int64Type, UInt16Type, UInt32Type, UInt64Type};
use arrow_array::{Array, ArrayRef, BooleanArray, PrimitiveArray, RecordBatch, StringArray};
use arrow_schema::{DataType, Field};

use crate::Error;

/// A field of a row: a [`Value`], or an `Option` of one for a column with nulls.
pub(crate) trait Column: Sized + 'static {
    /// Type of the Arrow array.
    const TYPE: DataType;
    /// Whether the column may hold nulls.
    const IS_NULLABLE: bool;

    /// The values as an array.
    fn array<'a>(values: impl Iterator<Item = &'a Self>) -> ArrayRef;
    /// The values of an array of `TYPE`, or `None` if it holds a null where none may be.
    fn values(array: &dyn Array) -> Option<Vec<Self>>;
    /// Total order; null first.
    fn order(&self, other: &Self) -> Ordering;
    /// Whether the value is a float's NaN.
    fn is_nan(&self) -> bool;
    /// The value as text; a null is empty.
    fn text(&self) -> String;

    /// The column's entry in a schema.
    fn field(name: &str) -> Field {
        Field::new(name, Self::TYPE, Self::IS_NULLABLE)
    }
}

/// A type that a cell holds when it is not null.
pub(crate) trait Value: Sized + 'static {
    const TYPE: DataType;

    fn array<'a>(values: impl Iterator<Item = Option<&'a Self>>) -> ArrayRef;
    fn values(array: &dyn Array) -> impl Iterator<Item = Option<Self>>;
    fn order(&self, other: &Self) -> Ordering;
    fn is_nan(&self) -> bool {
        false
    }
    fn text(&self) -> String;
}

impl<V: Value> Column for V {
    const TYPE: DataType = V::TYPE;
    const IS_NULLABLE: bool = false;

    fn array<'a>(values: impl Iterator<Item = &'a Self>) -> ArrayRef {
        V::array(values.map(Some))
    }

    fn values(array: &dyn Array) -> Option<Vec<Self>> {
        V::values(array).collect()
    }

    fn order(&self, other: &Self) -> Ordering {
        V::order(self, other)
    }

    fn is_nan(&self) -> bool {
        V::is_nan(self)
    }

    fn text(&self) -> String {
        V::text(self)
    }
}

impl<V: Value> Column for Option<V> {
    const TYPE: DataType = V::TYPE;
    const IS_NULLABLE: bool = true;

    fn array<'a>(values: impl Iterator<Item = &'a Self>) -> ArrayRef {
        V::array(values.map(Option::as_ref))
    }

    fn values(array: &dyn Array) -> Option<Vec<Self>> {
        Some(V::values(array).collect())
    }

    fn order(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Some(value), Some(other)) => value.order(other),
            _ => self.is_some().cmp(&other.is_some()),
        }
    }

    fn is_nan(&self) -> bool {
        self.as_ref().is_some_and(V::is_nan)
    }

    fn text(&self) -> String {
        self.as_ref().map(V::text).unwrap_or_default()
    }
}

/// `Value` for a number: its Arrow type, the call that orders it, and the call that tells NaN.
macro_rules! number {
    ($($number:ty, $arrow:ty, $order:path, $is_nan:expr;)+) => {$(
        impl Value for $number {
            const TYPE: DataType = <$arrow as arrow_array::ArrowPrimitiveType>::DATA_TYPE;

            fn array<'a>(values: impl Iterator<Item = Option<&'a Self>>) -> ArrayRef {
                Arc::new(values.map(|value| value.copied()).collect::<PrimitiveArray<$arrow>>())
            }

            fn values(array: &dyn Array) -> impl Iterator<Item = Option<Self>> {
                array.as_primitive::<$arrow>().iter()
            }

            fn order(&self, other: &Self) -> Ordering {
                $order(self, other)
            }

            fn is_nan(&self) -> bool {
                $is_nan(*self)
            }

            fn text(&self) -> String {
                format!("{self:?}")
            }
        }
    )+};
}

number! {
    i64, Int64Type, Ord::cmp, |_| false;
    u16, UInt16Type, Ord::cmp, |_| false;
    u32, UInt32Type, Ord::cmp, |_| false;
    u64, UInt64Type, Ord::cmp, |_| false;
    f32, Float32Type, f32::total_cmp, f32::is_nan;
    f64, Float64Type, f64::total_cmp, f64::is_nan;
}

impl Value for bool {
    const TYPE: DataType = DataType::Boolean;

    fn array<'a>(values: impl Iterator<Item = Option<&'a Self>>) -> ArrayRef {
        Arc::new(values.map(Option::<&bool>::copied).collect::<BooleanArray>())
    }

    fn values(array: &dyn Array) -> impl Iterator<Item = Option<Self>> {
        array.as_boolean().iter()
    }

    fn order(&self, other: &Self) -> Ordering {
        self.cmp(other)
    }

    fn text(&self) -> String {
        self.to_string()
    }
}

impl Value for String {
    const TYPE: DataType = DataType::Utf8;

    fn array<'a>(values: impl Iterator<Item = Option<&'a Self>>) -> ArrayRef {
        Arc::new(values.collect::<StringArray>())
    }

    fn values(array: &dyn Array) -> impl Iterator<Item = Option<Self>> {
        array.as_string::<i32>().iter().map(|value| value.map(str::to_owned))
    }

    fn order(&self, other: &Self) -> Ordering {
        self.cmp(other)
    }

    fn text(&self) -> String {
        self.clone()
    }
}

/// All values of one column of `batch`, which was read from `path` as `table`.
pub(crate) fn read_column<C: Column>(
    batch: &RecordBatch,
    path: &Path,
    table: &'static str,
    column: &'static str,
) -> Result<Vec<C>, Error> {
    let path = || path.to_owned();
    let Some(array) = batch.column_by_name(column) else {
        return Err(Error::MissingColumn { path: path(), table, column });
    };
    if *array.data_type() != C::TYPE {
        let found = array.data_type().clone();
        return Err(Error::ColumnType { path: path(), table, column, expected: C::TYPE, found });
    }
    C::values(array).ok_or_else(|| Error::UnexpectedNull { path: path(), table, column })
}
