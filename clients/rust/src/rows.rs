//! What is scored: rows by name, columns, or dense numbers.

use std::collections::BTreeMap;

use crate::error::{Error, Result};
use crate::pb;

/// A number or a category; `true` is 1 and `false` 0.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Value {
    /// A number; NaN is missing.
    Number(f64),
    /// A category.
    Text(String),
}

/// One row: features by name. A feature that is left out is missing.
///
/// ```
/// let row = stubtail::Row::from([("plan", "basic".into()), ("amount", 3.into())]);
/// # assert_eq!(row, stubtail::Row::new().set("amount", 3).set("plan", "basic"));
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Row(BTreeMap<String, Value>);

/// Rows as columns of one length.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table(pub(crate) Vec<pb::Column>);

/// What can be scored. `Vec<f32>` and `[f32]` are dense: rows of all features in the order of
/// [`Client::model`](crate::Client::model), row after row; a category by its position, NaN for what is
/// missing. That is the form for hot paths. The order belongs to a version: name it (`churn@1`).
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Rows {
    /// By name.
    Row(Row),
    /// As columns.
    Table(Table),
    /// As numbers.
    Dense(Vec<f32>),
}

impl Row {
    /// A row without a feature.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The row with one more feature.
    #[must_use]
    pub fn set(mut self, feature: impl Into<String>, value: impl Into<Value>) -> Self {
        self.0.insert(feature.into(), value.into());
        self
    }

    /// The value of a feature.
    #[must_use]
    pub fn get(&self, feature: &str) -> Option<&Value> {
        self.0.get(feature)
    }

    pub(crate) fn values(self) -> BTreeMap<String, pb::Value> {
        let kind = |value| match value {
            Value::Number(number) => pb::value::Kind::Number(number),
            Value::Text(text) => pb::value::Kind::Text(text),
        };
        let pairs = self.0.into_iter();
        pairs
            .map(|(name, value)| {
                (
                    name,
                    pb::Value {
                        kind: Some(kind(value)),
                    },
                )
            })
            .collect()
    }

    fn columns(self) -> Vec<pb::Column> {
        let column = |(name, value)| match value {
            Value::Number(number) => numbers(name, vec![number]),
            Value::Text(text) => strings(name, vec![text]),
        };
        self.0.into_iter().map(column).collect()
    }
}

impl Table {
    /// A table without a column.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The table with a column of numbers; NaN is missing.
    #[must_use]
    pub fn numbers(mut self, feature: impl Into<String>, values: impl Into<Vec<f64>>) -> Self {
        self.0.push(numbers(feature.into(), values.into()));
        self
    }

    /// The table with a column of categories.
    #[must_use]
    pub fn strings<T: Into<String>>(
        mut self,
        feature: impl Into<String>,
        values: impl IntoIterator<Item = T>,
    ) -> Self {
        let values = values.into_iter().map(Into::into).collect();
        self.0.push(strings(feature.into(), values));
        self
    }
}

fn numbers(name: String, numbers: Vec<f64>) -> pb::Column {
    pb::Column {
        name,
        numbers,
        strings: Vec::new(),
    }
}

fn strings(name: String, strings: Vec<String>) -> pb::Column {
    pb::Column {
        name,
        numbers: Vec::new(),
        strings,
    }
}

/// Rows as a request has them.
pub(crate) enum Sent {
    Named(pb::NamedRows),
    Dense(pb::DenseRows),
}

impl Rows {
    pub(crate) fn sent(self) -> Result<Sent> {
        let columns = match self {
            Self::Dense(values) => return Ok(Sent::Dense(pb::DenseRows { values })),
            Self::Table(table) => table.0,
            Self::Row(row) if row.0.is_empty() => {
                return Err(Error::invalid("rows", "expected at least one feature"));
            }
            Self::Row(row) => row.columns(),
        };
        Ok(Sent::Named(pb::NamedRows { columns }))
    }
}

impl<K: Into<String>, const N: usize> From<[(K, Value); N]> for Row {
    fn from(pairs: [(K, Value); N]) -> Self {
        pairs.into_iter().collect()
    }
}

impl<K: Into<String>> FromIterator<(K, Value)> for Row {
    fn from_iter<I: IntoIterator<Item = (K, Value)>>(pairs: I) -> Self {
        Self(
            pairs
                .into_iter()
                .map(|(name, value)| (name.into(), value))
                .collect(),
        )
    }
}

impl From<Row> for Rows {
    fn from(row: Row) -> Self {
        Self::Row(row)
    }
}

impl From<Table> for Rows {
    fn from(table: Table) -> Self {
        Self::Table(table)
    }
}

impl From<Vec<f32>> for Rows {
    fn from(values: Vec<f32>) -> Self {
        Self::Dense(values)
    }
}

impl From<&[f32]> for Rows {
    fn from(values: &[f32]) -> Self {
        Self::Dense(values.to_vec())
    }
}

impl<const N: usize> From<[f32; N]> for Rows {
    fn from(values: [f32; N]) -> Self {
        Self::Dense(values.to_vec())
    }
}

macro_rules! numbers {
    ($($kind:ty),*) => {
        $(impl From<$kind> for Value {
            fn from(number: $kind) -> Self {
                Self::Number(number.into())
            }
        })*
    };
}

numbers!(f64, f32, i32, u32, i16, u16, i8, u8, bool);

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}
