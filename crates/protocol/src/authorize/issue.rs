//! Making what an answer hangs on: a grant, and its code.

use crate::{
    access::AdmittedUser,
    authorize::{Addressee, AllowedResponse, AuthorizationRequest},
    code::AuthorizationCode,
    entropy::Entropy,
    grant::Grant,
    id::{GrantId, RowId},
    issuer::Issuer,
    opaque::Opaque,
    resource::GrantItems,
    scope::{KnownScope, Scope},
    session::Session,
    time::{Now, Seconds},
};

/// What an answer is made from. The application is proved active, the user too (attack 9) and admitted to it, and the
/// return type ticked (attack 18).
pub struct Issuing<'a> {
    /// Who answers.
    pub issuer: &'a Issuer,
    /// The client, and what it is answered with.
    pub allowed: &'a AllowedResponse,
    /// Who signed in.
    pub user: &'a AdmittedUser,
    /// Their login.
    pub session: &'a Session,
    /// The checked request.
    pub request: &'a AuthorizationRequest,
    /// Where the answer will go.
    pub addressee: &'a Addressee,
    /// What is granted.
    pub scope: Scope,
    /// What goes with the items of it.
    pub items: GrantItems,
}

/// A new code: its text for the callback and its row for the store.
pub struct IssuedCode {
    /// The `code` parameter.
    pub text: String,
    /// What is stored, with the grant it will give.
    pub row: AuthorizationCode,
}

/// What an answer hangs on.
pub enum Issued {
    /// A code, with the grant it will give and that tokens beside it hang on.
    Code(Box<IssuedCode>),
    /// A grant that tokens hang on.
    Grant(Box<Grant>),
    /// `response_type=none` gives nothing.
    Nothing,
}

impl Issued {
    /// The grant.
    pub fn grant(&self) -> Option<&Grant> {
        match self {
            Issued::Code(code) => Some(&code.row.grant),
            Issued::Grant(grant) => Some(grant),
            Issued::Nothing => None,
        }
    }

    /// The `code` parameter.
    pub fn code(&self) -> Option<&str> {
        match self {
            Issued::Code(code) => Some(&code.text),
            Issued::Grant(_) | Issued::Nothing => None,
        }
    }
}

/// Makes what an answer of the allowed kind hangs on.
pub fn issue(from: Issuing<'_>, now: Now, entropy: &mut dyn Entropy) -> Issued {
    let (kind, settings) = (from.allowed.kind(), &from.allowed.application().settings);
    if kind.gives_code() {
        Issued::Code(Box::new(issue_code(from, now, entropy)))
    } else if kind.is_front() {
        let lasts = if kind.gives_token() { settings.access_token_expire } else { settings.id_token_expire };
        Issued::Grant(Box::new(grant(&from, lasts, now, entropy)))
    } else {
        Issued::Nothing
    }
}

/// Makes a code that is bound to client, issuer, redirect URI and challenge.
pub fn issue_code(from: Issuing<'_>, now: Now, entropy: &mut dyn Entropy) -> IssuedCode {
    let settings = &from.allowed.application().settings;
    let code = Opaque::generate(now, entropy);
    let code_expire = settings.authorization_code_expire;
    let row = AuthorizationCode {
        id: code.id,
        hash: code.hash(),
        grant: grant(&from, Seconds(code_expire.0 + settings.access_token_expire.0), now, entropy),
        redirect_uri: from.addressee.redirect_uri().uri().as_str().to_owned(),
        challenge: from.request.challenge.clone(),
        nonce: from.request.nonce.clone(),
        expires_at: now.timestamp().plus(code_expire),
        consumed_at: None,
    };
    IssuedCode { text: code.encode(), row }
}

/// The grant, which is kept as long as anything made from it can be alive.
fn grant(from: &Issuing<'_>, lasts: Seconds, now: Now, entropy: &mut dyn Entropy) -> Grant {
    let at = now.timestamp();
    Grant {
        id: GrantId::generate(now, entropy),
        pool: from.issuer.pool(),
        issuer: from.issuer.id(),
        application: from.allowed.application().id,
        user: from.user.id,
        session: from.session.id,
        sid: from.session.id,
        offline: from.scope.has(KnownScope::OfflineAccess),
        scope: from.scope.clone(),
        items: from.items.clone(),
        auth_time: from.session.auth_time,
        amr: from.session.amr,
        claims: from.request.claims.clone(),
        created_at: at,
        expires_at: at.plus(lasts),
        revoked_at: None,
    }
}
