//! The `claims` parameter: claims asked for one by one (OpenID Connect Core §5.5).

use std::{collections::BTreeMap, fmt};

use serde::{
    Deserialize, Deserializer, Serialize,
    de::{Error, MapAccess, Visitor},
};
use serde_json::Value;

use crate::{
    amr::Acr,
    limits::{CLAIMS_BYTES, CLAIMS_COUNT, CLAIMS_DEPTH},
    subject::Subject,
};

/// What is asked of one claim (§5.5.1).
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Wish {
    /// Whether the application cannot do without it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub essential: bool,
    /// The values it may have; `None`: any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub values: Option<Vec<Value>>,
}

impl Wish {
    /// Whether a claim of this value is one that is asked for.
    pub fn admits(&self, value: &Value) -> bool {
        self.values.as_ref().is_none_or(|values| values.contains(value))
    }
}

/// The wishes for one place, by the name of the claim.
pub type Wishes = BTreeMap<String, Wish>;

/// What is asked for one by one, by the place where it is to be told. Names that mean nothing here are kept, and give nothing.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ClaimsRequest {
    /// By user info.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub userinfo: Wishes,
    /// In the ID token.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub id_token: Wishes,
}

/// The text is not a claims request: not JSON of the form of OpenID Connect Core §5.5, ambiguous, too long, too deep or too much.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("claims must be a JSON object with the members userinfo and id_token, each an object of claims")]
pub struct ClaimsRequestError;

impl ClaimsRequest {
    /// Reads the parameter, or what [`ClaimsRequest::stored`] wrote.
    pub fn parse(text: &str) -> Result<ClaimsRequest, ClaimsRequestError> {
        if text.len() > CLAIMS_BYTES {
            return Err(ClaimsRequestError);
        }
        let read: Written = serde_json::from_str(text).map_err(|_| ClaimsRequestError)?;
        let wishes = |members: Option<Members>| {
            let members = members.unwrap_or_default().0;
            if members.len() > CLAIMS_COUNT {
                return Err(ClaimsRequestError);
            }
            members
                .into_iter()
                .map(|(name, wish)| Ok((name, wish.unwrap_or_default().understood()?)))
                .collect()
        };
        Ok(ClaimsRequest { userinfo: wishes(read.userinfo)?, id_token: wishes(read.id_token)? })
    }

    /// How a grant keeps it; `None` when nothing is asked for.
    pub fn stored(&self) -> Option<String> {
        if self.is_empty() { None } else { serde_json::to_string(self).ok() }
    }

    /// Whether nothing is asked for.
    pub fn is_empty(&self) -> bool {
        self.userinfo.is_empty() && self.id_token.is_empty()
    }

    /// Asks for `acr` as `acr_values` does: a wish that is never refused (§5.5.1.1). One that is there already stays.
    pub fn ask_acr(&mut self) {
        self.id_token.entry("acr".to_owned()).or_default();
    }

    /// The classes of which the login must have one; `None` when any will do. An empty list: none that is known here.
    pub fn needed_acr(&self) -> Option<Vec<Acr>> {
        let wish = self.id_token.get("acr").filter(|wish| wish.essential)?;
        let values = wish.values.as_ref()?;
        Some(values.iter().filter_map(|value| Acr::parse(value.as_str()?)).collect())
    }

    /// The subjects of which the user must be one (§3.1.2.2); `None` when it may be anybody. An empty list: nobody.
    pub fn needed_subjects(&self) -> Option<Vec<Subject>> {
        let lists = [&self.id_token, &self.userinfo].map(|wishes| wishes.get("sub")?.values.as_ref());
        let subjects = |values: &Vec<Value>| -> Vec<Subject> {
            values.iter().filter_map(|value| Subject::parse(value.as_str()?)).collect()
        };
        let mut lists = lists.into_iter().flatten().map(subjects);
        let first = lists.next()?;
        Some(lists.fold(first, |all, more| all.into_iter().filter(|one| more.contains(one)).collect()))
    }

    /// The names of everything asked for, at either place.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.userinfo.keys().chain(self.id_token.keys()).map(String::as_str)
    }
}

/// The parameter as it is written. Members that are not understood are ignored, as §5.5 demands.
#[derive(Deserialize)]
struct Written {
    userinfo: Option<Members>,
    id_token: Option<Members>,
}

/// `null`, or an object.
#[derive(Default, Deserialize)]
struct WrittenWish {
    essential: Option<bool>,
    value: Option<Value>,
    values: Option<Vec<Value>>,
}

impl WrittenWish {
    fn understood(self) -> Result<Wish, ClaimsRequestError> {
        let values = match (self.value, self.values) {
            (Some(_), Some(_)) => return Err(ClaimsRequestError),
            (Some(one), None) => Some(vec![one]),
            (None, several) => several,
        };
        if values.iter().flatten().any(|value| levels(value) > CLAIMS_DEPTH) {
            return Err(ClaimsRequestError);
        }
        Ok(Wish { essential: self.essential.unwrap_or(false), values })
    }
}

/// The parser bounds how deep this can be.
fn levels(value: &Value) -> usize {
    match value {
        Value::Array(list) => 1 + list.iter().map(levels).max().unwrap_or(0),
        Value::Object(members) => 1 + members.values().map(levels).max().unwrap_or(0),
        _ => 0,
    }
}

/// Claims by name. One that is asked for twice is refused: which of the two is meant?
#[derive(Default)]
struct Members(BTreeMap<String, Option<WrittenWish>>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of claims")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = BTreeMap::new();
                while let Some((name, wish)) = map.next_entry()? {
                    if members.insert(name, wish).is_some() {
                        return Err(A::Error::custom("a claim is asked for twice"));
                    }
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Reader)
    }
}

#[cfg(test)]
#[path = "claims_request_tests.rs"]
mod tests;
