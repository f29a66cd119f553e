//! Request objects (OpenID Connect Core §6, RFC 9101): parameters that a client signed.
//!
//! One is resolved before anything else is read of a request: what comes out are parameters like any others, without
//! `request` and `request_uri`, and these are judged, and kept while the person signs in.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::{
    application::{ActiveApplication, RequestObjectAlg},
    authorize::PARAMETERS,
    client_token::{self, Audience, ClientTokenError, Validity},
    error::{ErrorCode, Refusal, refuse},
    issuer::Issuer,
    jose::{ClientKeys, JoseError, Members, Parsed, unsecured},
    params::{RawParams, encode_pairs},
    request_uri::RequestReference,
    time::Timestamp,
};

/// The kinds of token a request object may say it is (RFC 9101 §10.8).
const TYPES: &[&str] = &["jwt", "oauth-authz-req+jwt"];

/// What a request carries beside its own parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carried<'p> {
    /// Nothing.
    Nothing,
    /// `request`: the object itself.
    Object(&'p str),
    /// `request_uri`: where it is to be fetched.
    Reference(RequestReference<'p>),
}

/// Looks for a request object. A repeated parameter is left to the checks of the endpoint, which refuse it.
///
/// # Errors
/// `invalid_request` for both parameters at once, or none where one is required; `invalid_request_uri` for an address that
/// is not registered.
pub fn carried<'p>(params: &'p RawParams, application: &ActiveApplication) -> Result<Carried<'p>, Refusal> {
    if params.duplicate() {
        return Ok(Carried::Nothing);
    }
    match (params.get("request"), params.get("request_uri")) {
        (None, None) if application.settings.require_signed_request_object => Err(refuse(
            ErrorCode::InvalidRequest,
            "this application must send its parameters in a signed request object, by request or request_uri",
        )),
        (None, None) => Ok(Carried::Nothing),
        (Some(object), None) => Ok(Carried::Object(object)),
        (None, Some(uri)) => application.find_request_uri(uri).map(Carried::Reference).ok_or(refuse(
            ErrorCode::InvalidRequestUri,
            "request_uri is not registered; it must equal one of the request_uris of this application or lie below one that ends with a slash, and its fragment, if any, must be the SHA-256 of the object",
        )),
        (Some(_), Some(_)) => Err(refuse(
            ErrorCode::InvalidRequest,
            "request and request_uri are both given; send one of them",
        )),
    }
}

/// The request that an object came with.
#[derive(Clone, Copy, Debug)]
pub struct Around<'a> {
    /// Its parameters.
    pub params: &'a RawParams,
    /// Its client.
    pub application: &'a ActiveApplication,
    /// Who it was sent to.
    pub issuer: &'a Issuer,
    /// When.
    pub now: Timestamp,
}

impl Around<'_> {
    /// The parameters that `object` and the request around it come to. What the object says counts (Core §6.3.3); where it
    /// must be signed, nothing else does (RFC 9101 §6.3).
    ///
    /// # Errors
    /// `invalid_request_object`; [`ClientTokenError::Key`] when other keys might verify it.
    pub fn resolve(&self, object: &str, keys: Option<&ClientKeys>) -> Result<RawParams, ClientTokenError> {
        let members = self.verified(object, keys)?;
        self.check(&members)?;
        Ok(self.merge(&members)?)
    }

    fn verified(&self, object: &str, keys: Option<&ClientKeys>) -> Result<Object, ClientTokenError> {
        let settings = &self.application.settings;
        let registered = settings.request_object_signing_alg;
        if registered == Some(RequestObjectAlg::None) && !settings.require_signed_request_object {
            let Members(members) = unsecured(object).map_err(|_| WRONG_ALG)?;
            return Ok(members);
        }
        let parsed = Parsed::parse(object).map_err(|_| UNREADABLE)?;
        let alg = parsed.alg().ok_or(WRONG_ALG)?;
        if registered.is_some_and(|registered| registered.signing() != Some(alg)) {
            return Err(WRONG_ALG.into());
        }
        if parsed.typ().is_some_and(|typ| !TYPES.contains(&typ.to_ascii_lowercase().as_str())) {
            return Err(wrong("the request object has a typ of another kind of token; send JWT, oauth-authz-req+jwt or none").into());
        }
        let read = client_token::verify(&parsed, alg, self.application, keys);
        let Members(members) = read.map_err(|error| match error {
            JoseError::NoKey | JoseError::BadSignature => ClientTokenError::Key,
            JoseError::Claims => UNREADABLE.into(),
            _ => WRONG_ALG.into(),
        })?;
        Ok(members)
    }

    /// What a right signature does not yet say (Core §6.1, RFC 9101 §4, §10.8).
    fn check(&self, members: &Object) -> Result<(), Refusal> {
        let client = self.application.id.to_string();
        let text = |name: &str| members.get(name).and_then(Value::as_str);
        let differs = |name: &str, own: &str| members.contains_key(name) && text(name) != Some(own);
        if members.contains_key("request") || members.contains_key("request_uri") {
            return Err(wrong("the request object must not contain request or request_uri"));
        }
        if differs("client_id", &client) || differs("iss", &client) {
            return Err(wrong(
                "the client_id and the iss of the request object must be the client_id of the request",
            ));
        }
        if text("sub") == Some(&client) {
            return Err(wrong(
                "the sub of the request object is the client_id; leave it out, so that nobody can take the object for a client assertion",
            ));
        }
        let outside = self.params.get("response_type").filter(|_| members.contains_key("response_type"));
        if outside.is_some_and(|outside| words(outside) != words(text("response_type").unwrap_or_default())) {
            return Err(wrong("the response_type of the request object is not that of the request"));
        }
        let audience = members.get("aud").map(read::<Audience>).transpose()?;
        if audience.is_some_and(|aud| !aud.values().iter().any(|value| value == self.issuer.url())) {
            return Err(wrong("the aud of the request object is not this issuer"));
        }
        let validity = Value::Object(members.clone().into_iter().collect());
        let validity = read::<Validity>(&validity)?;
        if validity.is_over(self.now) {
            return Err(wrong("the request object has expired; make a new one, and compare the clocks"));
        }
        if validity.is_to_come(self.now) {
            return Err(wrong("the request object has an iat or nbf in the future; compare the clocks"));
        }
        Ok(())
    }

    fn merge(&self, members: &Object) -> Result<RawParams, Refusal> {
        let own = PARAMETERS.iter().copied().filter(|name| members.contains_key(*name));
        let said: Result<Vec<(&str, String)>, Refusal> =
            own.map(|name| Ok((name, text(members.get(name))?))).collect();
        let said = said?;
        let strict = self.application.settings.require_signed_request_object;
        let kept = |(name, _): &(&str, &str)| {
            let carried = ["request", "request_uri"].contains(name);
            !carried && !said.iter().any(|(own, _)| own == name) && (!strict || *name == "client_id")
        };
        let around = self.params.pairs().filter(kept);
        let inside = said.iter().map(|(name, value)| (*name, value.as_str()));
        let all = encode_pairs(around.chain(inside));
        RawParams::parse(all.as_bytes())
            .map_err(|_| wrong("the request object has more or longer parameters than are accepted"))
    }
}

type Object = BTreeMap<String, Value>;

/// A member as the parameter it stands for (Core §6.1: numbers and objects are not quoted).
fn text(member: Option<&Value>) -> Result<String, Refusal> {
    match member {
        Some(Value::String(text)) => Ok(text.clone()),
        Some(value @ (Value::Number(_) | Value::Object(_))) => Ok(value.to_string()),
        _ => Err(wrong("a parameter in the request object is neither a text nor a number nor an object")),
    }
}

fn read<T: serde::de::DeserializeOwned>(value: &Value) -> Result<T, Refusal> {
    T::deserialize(value).map_err(|_| wrong("aud, exp, nbf or iat of the request object is not of its type"))
}

fn words(text: &str) -> Vec<&str> {
    let mut words: Vec<&str> = text.split(' ').collect();
    words.sort_unstable();
    words
}

const fn wrong(description: &'static str) -> Refusal {
    refuse(ErrorCode::InvalidRequestObject, description)
        .by("request_object", "OpenID Connect Core §6, RFC 9101 §6")
}

const UNREADABLE: Refusal = wrong(
    "the request object is not a signed JWT of a JSON object with each member once; encrypted ones are not read",
);

const WRONG_ALG: Refusal = wrong(
    "the request object is not signed as it is registered; see request_object_signing_alg of this application, without which any signature by its keys or its secret is accepted, but not alg none",
);

/// No key verifies the object.
pub const UNVERIFIED: Refusal = wrong(
    "the signature of the request object is not one by a key of this application; compare kid, alg and the keys, which must be in its jwks or at its jwks_uri; the server's log says whether those could be fetched",
);

#[cfg(test)]
#[path = "tests/request_object.rs"]
mod tests;
