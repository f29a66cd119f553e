//! `grant_type=password` (RFC 6749 §4.3). OAuth's best practice is never to use it (RFC 9700 §2.4), so it is never ticked by
//! default.

use crate::{
    access::NOT_ADMITTED,
    application::{Application, GrantType},
    error::{ErrorCode, Refusal, refuse},
    params::RawParams,
    pool::PoolSettings,
    resource::indicated,
    scope::{KnownScope, Scope},
    token::NOTHING_LEFT,
    user::LoginName,
};

/// The one answer to a name and a password that do not get anything, whatever of them was wrong (attack 22).
pub const INVALID_CREDENTIALS: Refusal =
    refuse(ErrorCode::InvalidGrant, "invalid credentials provided").by("credentials", "RFC 6749 §4.3.2");

/// The name and password were right, and the application's rules do not admit their user: RFC 6749 §5.2 knows no
/// `access_denied` here.
pub const RIGHT_BUT_NOT_ADMITTED: Refusal =
    refuse(ErrorCode::InvalidGrant, NOT_ADMITTED.description).by("admission", "RFC 6749 §5.2");

/// Who signs in, and what for.
pub struct PasswordRequest {
    /// Under which name.
    pub name: LoginName,
    /// What they typed.
    pub password: String,
    /// What can be granted of what is asked for, as far as no rule has a say in it.
    pub scope: Scope,
    /// The API that access tokens are for, if they are for one.
    pub resource: Option<String>,
}

impl PasswordRequest {
    /// Reads the parameters of the grant. A name is given in exactly one of three: `username` takes whatever the login page
    /// takes, `email` and `phone` only what they say.
    pub fn parse(
        params: &RawParams,
        application: &Application,
        pool: &PoolSettings,
    ) -> Result<PasswordRequest, Refusal> {
        let invalid =
            |description| refuse(ErrorCode::InvalidRequest, description).by("parameters", "RFC 6749 §4.3.2");
        let names = ["username", "email", "phone"];
        let mut named = names.iter().filter_map(|key| Some((*key, params.get(key)?)));
        let (key, typed) =
            named.next().ok_or(invalid("a name is missing; send one of username, email and phone"))?;
        if named.next().is_some() {
            return Err(invalid("username, email and phone exclude each other; send one of them"));
        }
        let password =
            params.get("password").ok_or(invalid("password is missing; send it in the form body"))?;
        let name = LoginName::parse(typed).ok_or(INVALID_CREDENTIALS)?;
        match (key, &name) {
            ("username", _) | ("email", LoginName::Email(_)) | ("phone", LoginName::Phone(_)) => {}
            ("email", _) => {
                return Err(invalid("email must be an e-mail address; send any other name as username"));
            }
            _ => {
                return Err(invalid(
                    "phone must begin with + and the country code; send any other name as username",
                ));
            }
        }
        let (scope, resource) = (scope(params, application, pool)?, indicated(params)?.map(str::to_owned));
        Ok(PasswordRequest { name, password: password.to_owned(), scope, resource })
    }
}

/// `openid profile` unless said otherwise, without what means nothing in the pool. `offline_access` is granted to an
/// application with the `refresh_token` mode.
fn scope(params: &RawParams, application: &Application, pool: &PoolSettings) -> Result<Scope, Refusal> {
    let asked = params.get("scope").unwrap_or("openid profile");
    let asked = Scope::parse(asked).map_err(|_| {
        refuse(ErrorCode::InvalidScope, "scope must be values of printable ASCII separated by spaces")
    })?;
    let asked = pool.understood(asked);
    let granted = match application.allows_grant(GrantType::RefreshToken) {
        true => asked,
        false => asked.without(KnownScope::OfflineAccess),
    };
    if granted.is_empty() { Err(NOTHING_LEFT) } else { Ok(granted) }
}
