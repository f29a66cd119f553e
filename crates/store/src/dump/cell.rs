//! A value as JSON.

use std::fmt;

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{Error as _, MapAccess, Visitor},
    ser::SerializeMap as _,
};
use signet_protocol::jose::{b64, unb64};

use crate::sql::Value;

/// The one key of the object that holds bytes.
const BYTES: &str = "b";

/// A column of a row: null, a text, a whole number, or bytes as `{"b":"base64url"}`.
pub(super) struct Cell(pub Value);

impl Serialize for Cell {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            Value::Null => to.serialize_unit(),
            Value::Text(text) => to.serialize_str(text),
            Value::Int(int) => to.serialize_i64(*int),
            Value::Bool(bool) => to.serialize_i64(i64::from(*bool)),
            Value::Bytes(bytes) => {
                let mut map = to.serialize_map(Some(1))?;
                map.serialize_entry(BYTES, &b64(bytes))?;
                map.end()
            }
        }
    }
}

impl<'de> Deserialize<'de> for Cell {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Reading)
    }
}

struct Reading;

impl<'de> Visitor<'de> for Reading {
    type Value = Cell;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("null, a text, a whole number or bytes")
    }

    fn visit_unit<E>(self) -> Result<Cell, E> {
        Ok(Cell(Value::Null))
    }

    fn visit_str<E>(self, text: &str) -> Result<Cell, E> {
        Ok(Cell(text.into()))
    }

    fn visit_string<E>(self, text: String) -> Result<Cell, E> {
        Ok(Cell(text.into()))
    }

    fn visit_i64<E>(self, int: i64) -> Result<Cell, E> {
        Ok(Cell(int.into()))
    }

    fn visit_u64<E: serde::de::Error>(self, int: u64) -> Result<Cell, E> {
        i64::try_from(int).map(|int| Cell(int.into())).map_err(E::custom)
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Cell, M::Error> {
        let misformed = || M::Error::custom("bytes are misformed");
        let (key, text) = map.next_entry::<String, String>()?.ok_or_else(misformed)?;
        let bytes = unb64(&text).filter(|_| key == BYTES).ok_or_else(misformed)?;
        match map.next_key::<String>()? {
            None => Ok(Cell(bytes.into())),
            Some(_) => Err(misformed()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args;

    #[test]
    fn what_is_written_is_what_is_read() {
        let row = args!["é\n\"", "", None::<String>, i64::MIN, i64::MAX, 0, b"", b"\x00\xff"];
        let text = serde_json::to_string(&row.iter().cloned().map(Cell).collect::<Vec<_>>()).unwrap();
        let read: Vec<Cell> = serde_json::from_str(&text).unwrap();
        assert_eq!(read.into_iter().map(|cell| cell.0).collect::<Vec<_>>(), row, "{text}");
    }

    #[test]
    fn a_boolean_is_written_as_the_other_engine_keeps_it() {
        assert_eq!(serde_json::to_string(&[Cell(true.into()), Cell(false.into())]).unwrap(), "[1,0]");
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "true",
            "1.5",
            "9223372036854775808",
            "[]",
            "{}",
            r#"{"b":1}"#,
            r#"{"c":""}"#,
            r#"{"b":"!"}"#,
            r#"{"b":"","c":""}"#,
        ] {
            assert!(serde_json::from_str::<Cell>(text).is_err(), "{text}");
        }
    }
}
