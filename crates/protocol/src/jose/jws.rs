use std::fmt;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::hash::{b64_onto, unb64};
use super::header::Header;
use super::{JoseError, Signer, SigningAlg, Verifier};

/// The longest token that is read, in bytes.
pub const MAX_JWT: usize = 16 * 1024;

/// The longest header that is read, in bytes of JSON.
pub const MAX_HEADER: usize = 2 * 1024;

/// Room for the claims of most tokens, in bytes of JSON.
const CLAIMS_BYTES: usize = 512;

/// What a token is for. It is the header's `typ`, so that no token passes for one of another kind (RFC 8725 §3.11).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Typ {
    /// `at+jwt` (RFC 9068 §2.1).
    AccessToken,
    /// `JWT` (RFC 7519 §5.1).
    IdToken,
    /// Signed user info has none: some clients accept only `JWT` or none, and `JWT` is what an ID token is known by.
    UserInfo,
    /// `logout+jwt` (OpenID Connect Back-Channel Logout §2.4).
    LogoutToken,
}

impl Typ {
    /// The value of `typ`, empty for none.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AccessToken => "at+jwt",
            Self::IdToken => "JWT",
            Self::UserInfo => "",
            Self::LogoutToken => "logout+jwt",
        }
    }
}

/// Signs `claims` into a compact JWS (RFC 7515 §7.1) whose header has `alg`, `typ` and, unless the key is a shared
/// secret, `kid`. Refuses claims that are not written as JSON.
pub fn sign(signer: &Signer<'_>, typ: Typ, claims: &impl Serialize) -> Result<String, JoseError> {
    let header = signer.header(typ)?;
    let mut payload = Vec::with_capacity(CLAIMS_BYTES);
    serde_json::to_writer(&mut payload, claims).map_err(|_| JoseError::Claims)?;
    // 343 is the dot and the signature of a 2048-bit RSA key, the longest of the usual ones.
    let mut token = String::with_capacity(header.len() + payload.len().div_ceil(3) * 4 + 343);
    token.push_str(&header);
    b64_onto(&mut token, &payload);
    let signature = signer.signature(token.as_bytes())?;
    token.push('.');
    b64_onto(&mut token, &signature);
    Ok(token)
}

/// A compact JWS whose syntax was checked and whose signature was **not**. Nothing it says may be believed before
/// [`Parsed::verify`].
pub struct Parsed<'t> {
    header: Header,
    payload: Vec<u8>,
    signature: Vec<u8>,
    signing_input: &'t str,
}

impl<'t> Parsed<'t> {
    /// Takes a token apart (RFC 7515 §5.2). Refuses more than [`MAX_JWT`] bytes or a header of more than
    /// [`MAX_HEADER`], anything but three parts (a JWE has five), base64url that is padded or not canonical, an empty
    /// signature, a header that is not a JSON object with each member once, and `crit`.
    pub fn parse(token: &'t str) -> Result<Self, JoseError> {
        if token.len() > MAX_JWT {
            return Err(JoseError::TooLarge);
        }
        let (signing_input, [header, payload, signature]) = three_parts(token)?;
        let header = unb64(header).ok_or(JoseError::Malformed("the header is not base64url"))?;
        if header.len() > MAX_HEADER {
            return Err(JoseError::TooLarge);
        }
        let payload = unb64(payload).ok_or(JoseError::Malformed("the payload is not base64url"))?;
        let signature = unb64(signature)
            .filter(|signature| !signature.is_empty())
            .ok_or(JoseError::Malformed("the signature is empty or not base64url"))?;
        Ok(Self { header: Header::parse(&header)?, payload, signature, signing_input })
    }

    /// The header's `alg` if it is one of ours. It never decides how the token is verified.
    pub fn alg(&self) -> Option<SigningAlg> {
        SigningAlg::parse(&self.header.alg)
    }

    /// The header's `kid`, to look a key up by. It is any text: compare it with the names of known keys.
    pub fn kid(&self) -> Option<&str> {
        self.header.kid.as_deref()
    }

    /// The header's `typ` as it stands.
    pub fn typ(&self) -> Option<&str> {
        self.header.typ.as_deref()
    }

    /// The claims before any check. Only for finding out whose key to verify with, as with the `aud` of an HS256
    /// `id_token_hint`; everything else reads the result of [`Parsed::verify`].
    pub fn unverified_claims<T: DeserializeOwned>(&self) -> Result<T, JoseError> {
        // Serde reads a struct from a JSON array too; a claims set is an object (RFC 7519 §4).
        if self.payload.trim_ascii_start().first() != Some(&b'{') {
            return Err(JoseError::Claims);
        }
        serde_json::from_slice(&self.payload).map_err(|_| JoseError::Claims)
    }

    /// The claims, once the header's `alg` is the key's and the signature over the token's very bytes is the key's.
    /// Time, issuer, audience and `typ` are for the caller to check.
    pub fn verify<T: DeserializeOwned>(&self, key: Verifier<'_>) -> Result<T, JoseError> {
        if self.alg() != Some(key.alg()) {
            return Err(JoseError::AlgMismatch);
        }
        key.check(self.signing_input.as_bytes(), &self.signature)?;
        self.unverified_claims()
    }
}

impl fmt::Debug for Parsed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Parsed").field("alg", &self.alg()).finish_non_exhaustive()
    }
}

/// The claims of an unsecured token (RFC 7515 §A.5): its `alg` is `none` and its signature empty. Nobody vouches for them, so
/// no other function of this module takes such a token.
pub fn unsecured<T: DeserializeOwned>(token: &str) -> Result<T, JoseError> {
    if token.len() > MAX_JWT {
        return Err(JoseError::TooLarge);
    }
    let (_, [header, payload, signature]) = three_parts(token)?;
    let header = unb64(header).ok_or(JoseError::Malformed("the header is not base64url"))?;
    if header.len() > MAX_HEADER {
        return Err(JoseError::TooLarge);
    }
    if Header::parse(&header)?.alg != "none" || !signature.is_empty() {
        return Err(JoseError::AlgMismatch);
    }
    let payload = unb64(payload).ok_or(JoseError::Malformed("the payload is not base64url"))?;
    serde_json::from_slice(&payload).map_err(|_| JoseError::Claims)
}

/// The bytes that are signed, and the three parts.
fn three_parts(token: &str) -> Result<(&str, [&str; 3]), JoseError> {
    token
        .rsplit_once('.')
        .and_then(|(signing_input, signature)| {
            let (header, payload) = signing_input.split_once('.')?;
            (!payload.contains('.')).then_some((signing_input, [header, payload, signature]))
        })
        .ok_or(JoseError::Malformed("it does not have three parts"))
}
