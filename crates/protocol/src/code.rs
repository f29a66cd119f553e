//! An authorization code (RFC 6749 §4.1.2).

use crate::{grant::Grant, id::CodeId, pkce::CodeChallenge, secret::SecretHash, time::Timestamp};

/// A code as stored, with the grant it will give.
#[derive(Clone, Debug)]
pub struct AuthorizationCode {
    /// Finds the row.
    pub id: CodeId,
    /// Hash of its secret.
    pub hash: SecretHash,
    /// What it gives.
    pub grant: Grant,
    /// The exact `redirect_uri` of the request.
    pub redirect_uri: String,
    /// The `code_challenge` of the request, if there was one (attack 4).
    pub challenge: Option<CodeChallenge>,
    /// The `nonce` of the request.
    pub nonce: Option<String>,
    /// When it is too late.
    pub expires_at: Timestamp,
    /// When it was spent.
    pub consumed_at: Option<Timestamp>,
}
