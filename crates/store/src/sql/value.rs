//! What goes into a statement and what comes out of a row.

use std::{fmt, vec};

use crate::StoreError;

/// One argument or one column: the types both engines share.
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum Value {
    /// Absent, whatever the column's type.
    Null,
    /// `TEXT`. A NUL character is refused by both engines.
    Text(String),
    /// `BIGINT`.
    Int(i64),
    /// `BOOLEAN`; SQLite keeps 0 and 1.
    Bool(bool),
    /// `BYTEA` or `BLOB`.
    Bytes(Vec<u8>),
}

/// Shows type and size only: arguments hold hashes and personal data, and errors end in logs.
impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("Null"),
            Self::Text(text) => write!(f, "Text({} bytes)", text.len()),
            Self::Int(int) => write!(f, "Int({int})"),
            Self::Bool(bool) => write!(f, "Bool({bool})"),
            Self::Bytes(bytes) => write!(f, "Bytes({})", bytes.len()),
        }
    }
}

/// The arguments of a statement, in the order of its placeholders: `args![user_id, now, None::<String>]`.
#[macro_export]
macro_rules! args {
    ($($value:expr),* $(,)?) => { vec![$($crate::sql::Value::from($value)),*] };
}

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

impl From<&String> for Value {
    fn from(text: &String) -> Self {
        Self::Text(text.clone())
    }
}

impl From<i64> for Value {
    fn from(int: i64) -> Self {
        Self::Int(int)
    }
}

impl From<bool> for Value {
    fn from(bool: bool) -> Self {
        Self::Bool(bool)
    }
}

impl From<&[u8]> for Value {
    fn from(bytes: &[u8]) -> Self {
        Self::Bytes(bytes.to_vec())
    }
}

impl From<Vec<u8>> for Value {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Bytes(bytes)
    }
}

impl<const N: usize> From<[u8; N]> for Value {
    fn from(bytes: [u8; N]) -> Self {
        Self::Bytes(bytes.to_vec())
    }
}

impl<const N: usize> From<&[u8; N]> for Value {
    fn from(bytes: &[u8; N]) -> Self {
        Self::Bytes(bytes.to_vec())
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// One row of an answer, its columns in the order of the statement's select list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row(pub(super) Vec<Value>);

impl Row {
    /// Begins reading the columns; `what` names the row in errors.
    pub fn reader(self, what: &'static str) -> RowReader {
        RowReader { what, column: 0, values: self.0.into_iter() }
    }
}

/// Takes the columns of a row one after the other. A column that is missing or of another type, or one left over at
/// [`RowReader::finish`], is [`StoreError::Corrupt`].
#[derive(Debug)]
pub struct RowReader {
    what: &'static str,
    column: usize,
    values: vec::IntoIter<Value>,
}

impl RowReader {
    /// The next column as text.
    pub fn text(&mut self) -> Result<String, StoreError> {
        self.take("text", as_text)
    }

    /// The next column as text, or nothing.
    pub fn opt_text(&mut self) -> Result<Option<String>, StoreError> {
        self.take("text or null", or_null(as_text))
    }

    /// The next column as an integer.
    pub fn int(&mut self) -> Result<i64, StoreError> {
        self.take("an integer", as_int)
    }

    /// The next column as an integer, or nothing.
    pub fn opt_int(&mut self) -> Result<Option<i64>, StoreError> {
        self.take("an integer or null", or_null(as_int))
    }

    /// The next column as a boolean.
    pub fn bool(&mut self) -> Result<bool, StoreError> {
        self.take("a boolean", as_bool)
    }

    /// The next column as a boolean, or nothing.
    pub fn opt_bool(&mut self) -> Result<Option<bool>, StoreError> {
        self.take("a boolean or null", or_null(as_bool))
    }

    /// The next column as bytes.
    pub fn bytes(&mut self) -> Result<Vec<u8>, StoreError> {
        self.take("bytes", as_bytes)
    }

    /// The next column as bytes, or nothing.
    pub fn opt_bytes(&mut self) -> Result<Option<Vec<u8>>, StoreError> {
        self.take("bytes or null", or_null(as_bytes))
    }

    /// The next column as exactly `N` bytes: a hash, a key.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], StoreError> {
        self.take("bytes of the right length", |value| as_bytes(value)?.try_into().ok())
    }

    /// Ends the reading; columns nobody asked for are an error.
    pub fn finish(self) -> Result<(), StoreError> {
        match self.values.len() {
            0 => Ok(()),
            left => Err(StoreError::corrupt(format!("{}: {left} columns too many", self.what))),
        }
    }

    /// The column just read has the right type but not the form of what it should hold.
    pub(crate) fn misformed(&self) -> StoreError {
        StoreError::corrupt(format!("{}: column {} is misformed", self.what, self.column))
    }

    fn take<T>(&mut self, wanted: &str, convert: impl Fn(Value) -> Option<T>) -> Result<T, StoreError> {
        self.column += 1;
        let value = self.values.next().and_then(convert);
        value.ok_or_else(|| {
            StoreError::corrupt(format!("{}: column {} is not {wanted}", self.what, self.column))
        })
    }
}

fn or_null<T>(convert: impl Fn(Value) -> Option<T>) -> impl Fn(Value) -> Option<Option<T>> {
    move |value| match value {
        Value::Null => Some(None),
        value => convert(value).map(Some),
    }
}

fn as_text(value: Value) -> Option<String> {
    match value {
        Value::Text(text) => Some(text),
        _ => None,
    }
}

fn as_int(value: Value) -> Option<i64> {
    match value {
        Value::Int(int) => Some(int),
        _ => None,
    }
}

fn as_bool(value: Value) -> Option<bool> {
    match value {
        Value::Bool(bool) => Some(bool),
        Value::Int(0) => Some(false),
        Value::Int(1) => Some(true),
        _ => None,
    }
}

fn as_bytes(value: Value) -> Option<Vec<u8>> {
    match value {
        Value::Bytes(bytes) => Some(bytes),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reader(values: Vec<Value>) -> RowReader {
        Row(values).reader("sample")
    }

    #[test]
    fn columns_are_read_in_order() {
        let mut row = reader(args!["a", None::<String>, 7, Some(8), true, 0, b"xy", None::<Vec<u8>>, [1, 2]]);
        assert_eq!(row.text().unwrap(), "a");
        assert_eq!(row.opt_text().unwrap(), None);
        assert_eq!(row.int().unwrap(), 7);
        assert_eq!(row.opt_int().unwrap(), Some(8));
        assert!(row.bool().unwrap());
        assert_eq!(row.opt_bool().unwrap(), Some(false));
        assert_eq!(row.bytes().unwrap(), b"xy");
        assert_eq!(row.opt_bytes().unwrap(), None);
        assert_eq!(row.array::<2>().unwrap(), [1, 2]);
        row.finish().unwrap();
    }

    #[test]
    fn a_wrong_type_names_row_and_column() {
        let mut row = reader(args![1, 2]);
        row.int().unwrap();
        assert_eq!(row.text(), Err(StoreError::corrupt("sample: column 2 is not text")));
    }

    #[test]
    fn null_is_refused_where_a_value_is_wanted() {
        assert!(reader(args![None::<i64>]).int().is_err());
    }

    #[test]
    fn only_zero_and_one_are_booleans() {
        assert!(reader(args![2]).bool().is_err());
    }

    #[test]
    fn a_missing_column_is_an_error() {
        assert!(reader(vec![]).opt_int().is_err());
    }

    #[test]
    fn a_column_left_over_is_an_error() {
        assert_eq!(reader(args![1]).finish(), Err(StoreError::corrupt("sample: 1 columns too many")));
    }

    #[test]
    fn bytes_of_another_length_are_refused() {
        assert!(reader(args![[1, 2, 3]]).array::<2>().is_err());
    }

    #[test]
    fn debug_does_not_show_content() {
        let shown = format!("{:?}", args!["secret", b"secret"]);
        assert_eq!(shown, "[Text(6 bytes), Bytes(6)]");
    }
}
