//! Tokens taken apart and checked, as a client has to.

use serde::Deserialize;
use serde_json::{Map, Value};
use signet_protocol::{
    application::ResponseType,
    jose::{self, HmacKey, Parsed, PublicJwk, SigningAlg, Typ, Verifier},
    secret::Secret,
    time::Timestamp,
};

use super::{Check, Said, rules, wire::pretty};

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// An ID token.
    Id,
    /// An access token.
    Access,
    /// Signed user info.
    UserInfo,
}

/// A claim.
#[derive(Debug)]
pub struct Claim {
    /// Its name.
    pub name: String,
    /// Its value: text as it is, anything else as JSON.
    pub value: String,
    /// The moment it names, if it names one.
    pub at: Option<Timestamp>,
}

/// A token taken apart.
#[derive(Debug)]
pub struct TokenView {
    /// What it is.
    pub kind: Kind,
    /// Its header.
    pub header: String,
    /// Its claims.
    pub claims: Vec<Claim>,
    /// What was checked.
    pub checks: Vec<Check>,
    /// What there is to know of it.
    pub note: Option<&'static Said>,
}

/// What a signature can be verified with.
#[derive(Clone, Copy)]
pub struct Keys<'a> {
    /// The issuer's document of public keys.
    pub jwks: &'a Value,
    /// The application's secret.
    pub secret: Option<&'a Secret>,
}

/// What a token has to say.
#[derive(Clone, Copy)]
pub struct Expected<'a> {
    /// Who made it.
    pub issuer: &'a str,
    /// Whom it is for.
    pub client: &'a str,
    /// What it is signed with.
    pub alg: SigningAlg,
    /// What with that is verified.
    pub keys: Keys<'a>,
    /// The time.
    pub now: Timestamp,
}

/// What an ID token is bound to.
#[derive(Clone, Copy, Default)]
pub struct Bound<'a> {
    /// `nonce` of the request.
    pub nonce: Option<&'a str>,
    /// `state` of the request.
    pub state: Option<&'a str>,
    /// The access token beside it.
    pub access_token: Option<&'a str>,
    /// The code beside it.
    pub code: Option<&'a str>,
    /// What was asked of the authorization endpoint, if it comes from there: then what is beside it must be bound.
    pub front: Option<ResponseType>,
}

/// The names of claims whose number is a moment (RFC 7519 §2, OpenID Connect Core §2 and §5.1).
const MOMENTS: &[&str] = &["exp", "iat", "nbf", "auth_time", "updated_at"];

impl TokenView {
    /// An ID token.
    pub fn id_token(text: &str, expected: &Expected<'_>, bound: &Bound<'_>) -> TokenView {
        TokenView::of(Kind::Id, text, expected, |claims, checks| {
            if let Some(nonce) = bound.nonce {
                checks.push(Check::equal(&rules::NONCE, &text_of(claims, "nonce"), nonce));
            }
            let front = bound.front;
            let hashes = [
                (
                    &rules::AT_HASH,
                    "at_hash",
                    bound.access_token,
                    front.is_some_and(ResponseType::gives_token),
                ),
                (&rules::C_HASH, "c_hash", bound.code, front.is_some_and(ResponseType::gives_code)),
                (&rules::S_HASH, "s_hash", bound.state, false),
            ];
            for (rule, name, of, must) in hashes {
                if let Some(of) = of.filter(|_| must || claims.contains_key(name)) {
                    let wanted = jose::half_hash(expected.alg, of);
                    checks.push(Check::equal(rule, &text_of(claims, name), &wanted));
                }
            }
        })
    }

    /// An access token.
    pub fn access_token(text: &str, expected: &Expected<'_>) -> TokenView {
        TokenView::of(Kind::Access, text, expected, |claims, checks| {
            checks.push(Check::equal(&rules::CLIENT, &text_of(claims, "client_id"), expected.client));
        })
    }

    /// Signed user info.
    pub fn user_info(text: &str, expected: &Expected<'_>) -> TokenView {
        TokenView::of(Kind::UserInfo, text, expected, |_, _| {})
    }

    fn of(
        kind: Kind,
        text: &str,
        expected: &Expected<'_>,
        more: impl FnOnce(&Map<String, Value>, &mut Vec<Check>),
    ) -> TokenView {
        let header = text.split('.').next().and_then(jose::unb64).unwrap_or_default();
        let header = pretty(&String::from_utf8_lossy(&header));
        let blank = TokenView { kind, header, claims: Vec::new(), checks: Vec::new(), note: None };
        if jose::is_encrypted(text) {
            return TokenView { note: Some(&rules::ENCRYPTED), ..blank };
        }
        let read = Parsed::parse(text).and_then(|parsed| {
            let claims = parsed.unverified_claims::<Map<String, Value>>()?;
            Ok((parsed, claims))
        });
        let (parsed, claims) = match read {
            Ok(read) => read,
            Err(error) => {
                let checks = vec![Check::that(&rules::FORM, false, error.to_string())];
                return TokenView { checks, ..blank };
            }
        };
        let mut checks = vec![signature(&parsed, expected)];
        checks.push(Check::equal(&rules::ALG, alg(&parsed), expected.alg.as_str()));
        let typ = parsed.typ().unwrap_or_default();
        match kind {
            Kind::Id => checks.push(Check::equal(&rules::TYP_ID, typ, Typ::IdToken.as_str())),
            Kind::Access => checks.push(Check::equal(&rules::TYP_ACCESS, typ, Typ::AccessToken.as_str())),
            Kind::UserInfo => {}
        }
        checks.push(Check::equal(&rules::ISS, &text_of(&claims, "iss"), expected.issuer));
        checks.push(audience(&claims, expected.client));
        if kind != Kind::UserInfo {
            checks.extend(times(&claims, expected.now));
        }
        more(&claims, &mut checks);
        TokenView { claims: claims.into_iter().map(claim).collect(), checks, ..blank }
    }

    /// A claim as text.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.claims.iter().find(|claim| claim.name == name).map(|claim| claim.value.as_str())
    }
}

fn alg<'t>(parsed: &Parsed<'t>) -> &'static str {
    parsed.alg().map_or("?", SigningAlg::as_str)
}

/// The key is looked up by its name, and its own record says for which algorithm it is (attack 7).
fn signature(parsed: &Parsed<'_>, expected: &Expected<'_>) -> Check {
    let keys = expected.keys;
    if expected.alg == SigningAlg::Hs256 {
        let key = keys.secret.and_then(|secret| HmacKey::new(secret.expose()).ok());
        let good = key.is_some_and(|key| parsed.verify::<Map<String, Value>>(Verifier::Hmac(&key)).is_ok());
        return Check::that(&rules::SIGNATURE_SECRET, good, "");
    }
    let kid = parsed.kid().unwrap_or_default();
    let listed = keys.jwks.get("keys").and_then(Value::as_array).into_iter().flatten();
    let named = listed.filter(|key| key.get("kid").and_then(Value::as_str) == Some(kid));
    let good = named
        .filter_map(|key| PublicJwk::deserialize(key).ok()?.verifying_key().ok())
        .any(|key| parsed.verify::<Map<String, Value>>(Verifier::Key(&key)).is_ok());
    Check::that(&rules::SIGNATURE, good, kid)
}

fn audience(claims: &Map<String, Value>, client: &str) -> Check {
    let passed = match claims.get("aud") {
        Some(Value::Array(list)) => list.iter().any(|one| one.as_str() == Some(client)),
        one => one.and_then(Value::as_str) == Some(client),
    };
    let found = text_of(claims, "aud");
    if passed { Check::that(&rules::AUD, true, found) } else { Check::equal(&rules::AUD, &found, client) }
}

fn times(claims: &Map<String, Value>, now: Timestamp) -> [Check; 2] {
    let at = |name: &str| claims.get(name).and_then(Value::as_i64);
    [
        Check::that(&rules::EXP, at("exp").is_some_and(|exp| exp > now.0), text_of(claims, "exp")),
        Check::that(&rules::IAT, at("iat").is_some_and(|iat| iat <= now.0), text_of(claims, "iat")),
    ]
}

fn text_of(claims: &Map<String, Value>, name: &str) -> String {
    claims.get(name).map(shown).unwrap_or_default()
}

fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn claim((name, value): (String, Value)) -> Claim {
    let at = value.as_i64().filter(|_| MOMENTS.contains(&name.as_str())).map(Timestamp);
    Claim { value: shown(&value), at, name }
}
