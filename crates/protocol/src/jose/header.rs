use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, Visitor};
use serde_json::Value;

use super::{JoseError, Kid, SigningAlg, Typ};

/// The header of a token that is being signed.
#[derive(Serialize)]
struct Written<'a> {
    alg: SigningAlg,
    #[serde(skip_serializing_if = "str::is_empty")]
    typ: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    kid: Option<&'a Kid>,
}

/// The encoded header of a token, with its closing dot. It depends on nothing but the key and the type, so a key
/// renders it once.
pub(super) fn render(alg: SigningAlg, typ: Typ, kid: Option<&Kid>) -> Result<String, JoseError> {
    let json = serde_json::to_vec(&Written { alg, typ: typ.as_str(), kid }).map_err(|_| JoseError::Claims)?;
    Ok(super::b64(&json) + ".")
}

/// What is read of a token's header. Keys it carries or points at (`jwk`, `jku`, `x5c`, `x5u`) are never looked at.
pub(super) struct Header {
    pub(super) alg: String,
    pub(super) kid: Option<String>,
    pub(super) typ: Option<String>,
}

impl Header {
    /// Reads the header's JSON (RFC 7515 §4). Refuses repeated members, `crit`, a missing `alg`, and an `alg`, `kid`
    /// or `typ` that is not a string.
    pub(super) fn parse(json: &[u8]) -> Result<Self, JoseError> {
        let Members(mut members) = serde_json::from_slice(json)
            .map_err(|_| JoseError::Malformed("the header is not a JSON object with each member once"))?;
        if members.contains_key("crit") {
            return Err(JoseError::Critical);
        }
        Ok(Self {
            alg: take_text(&mut members, "alg")?.ok_or(JoseError::Malformed("the header has no alg"))?,
            kid: take_text(&mut members, "kid")?,
            typ: take_text(&mut members, "typ")?,
        })
    }
}

fn take_text(members: &mut BTreeMap<String, Value>, name: &str) -> Result<Option<String>, JoseError> {
    match members.remove(name) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(JoseError::Malformed("alg, kid or typ is not a string")),
    }
}

/// A JSON object that refuses a repeated name, where serde_json alone would let the last one win (RFC 7515 §5.2).
pub struct Members(pub BTreeMap<String, Value>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor)
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
        let mut members = BTreeMap::new();
        while let Some((name, value)) = map.next_entry()? {
            if members.insert(name, value).is_some() {
                return Err(A::Error::custom("repeated member"));
            }
        }
        Ok(Members(members))
    }
}
