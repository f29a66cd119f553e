//! Making a code.

use crate::{
    application::ActiveApplication,
    authorize::{Addressee, AuthorizationRequest},
    code::AuthorizationCode,
    entropy::Entropy,
    grant::Grant,
    id::{GrantId, RowId},
    issuer::Issuer,
    opaque::Opaque,
    scope::{KnownScope, Scope},
    session::Session,
    time::Now,
    user::ActiveUser,
};

/// What a code is made from. The user and the application are proved active (attack 9).
pub struct Issuing<'a> {
    /// Who answers.
    pub issuer: &'a Issuer,
    /// The client.
    pub application: &'a ActiveApplication,
    /// Who signed in.
    pub user: &'a ActiveUser,
    /// Their login.
    pub session: &'a Session,
    /// The checked request.
    pub request: &'a AuthorizationRequest,
    /// Where the code will go.
    pub addressee: &'a Addressee,
    /// What is granted.
    pub scope: Scope,
}

/// A new code: its text for the callback and its row for the store.
pub struct IssuedCode {
    /// The `code` parameter.
    pub text: String,
    /// What is stored, with the grant it will give.
    pub row: AuthorizationCode,
}

/// Makes a code that is bound to client, issuer, redirect URI and challenge.
pub fn issue_code(from: Issuing<'_>, now: Now, entropy: &mut dyn Entropy) -> IssuedCode {
    let at = now.timestamp();
    let settings = &from.application.settings;
    let code = Opaque::generate(now, entropy);
    let expires_at = at.plus(settings.authorization_code_expire);
    let grant = Grant {
        id: GrantId::generate(now, entropy),
        pool: from.issuer.pool(),
        issuer: from.issuer.id(),
        application: from.application.id,
        user: from.user.id,
        session: from.session.id,
        offline: from.scope.has(KnownScope::OfflineAccess),
        scope: from.scope,
        auth_time: from.session.auth_time,
        amr: from.session.amr,
        claims: from.request.claims.clone(),
        created_at: at,
        expires_at: expires_at.plus(settings.access_token_expire),
        revoked_at: None,
    };
    let row = AuthorizationCode {
        id: code.id,
        hash: code.hash(),
        grant,
        redirect_uri: from.addressee.redirect_uri().uri().as_str().to_owned(),
        challenge: from.request.challenge.clone(),
        nonce: from.request.nonce.clone(),
        expires_at,
        consumed_at: None,
    };
    IssuedCode { text: code.encode(), row }
}
