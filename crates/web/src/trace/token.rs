//! Why a token was refused. What it says of itself is believed only to say what is wrong with it.

use serde::Deserialize;
use signet_protocol::{
    id::ClientId,
    issuer::IssuerId,
    jose::{Parsed, Typ},
    params::RawParams,
    refresh,
    time::Timestamp,
};

use super::{
    Fix, Refused,
    diagnose::{Case, Finding},
    redact,
};
use crate::oidc::me::bearer;

/// What tokens of ours say of themselves.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Claims {
    iss: String,
    exp: i64,
    client_id: Option<String>,
}

/// The access token that a request shows.
fn shown<'r>(refused: &'r Refused, params: &'r RawParams) -> Option<&'r str> {
    refused.authorization.as_deref().and_then(bearer).or_else(|| params.get("access_token"))
}

/// The client that an access token says it was made for.
pub fn client(refused: &Refused, params: &RawParams) -> Option<ClientId> {
    let claims: Claims = Parsed::parse(shown(refused, params)?).ok()?.unverified_claims().ok()?;
    ClientId::parse(&claims.client_id?)
}

/// What is wrong with the access token of a request.
pub fn look(case: &Case<'_>) -> Finding {
    let expected = "an access token of this issuer that is alive";
    let Some(text) = shown(case.refused, case.params) else { return Finding::default() };
    let parsed = match Parsed::parse(text) {
        Ok(parsed) => parsed,
        Err(_) => {
            let received = format!("no signed token: {}", redact::fingerprint(text));
            return Finding::new(expected, received, Fix::SignInAgain);
        }
    };
    let claims: Claims = parsed.unverified_claims().unwrap_or_default();
    let here = case.refused.issuer.url();
    if parsed.typ() != Some(Typ::AccessToken.as_str()) {
        return Finding::new(expected, "a token of another kind, such as an ID token", Fix::SignInAgain);
    }
    if claims.iss != here {
        return other_issuer(case, &claims.iss);
    }
    let what = match case.now >= Timestamp(claims.exp) {
        true => format!("one that expired, {}", Timestamp(claims.exp).to_text()),
        false => {
            "one that was revoked, or whose user or application may no longer have it, or that is forged"
                .to_owned()
        }
    };
    Finding::new(expected, format!("{what}: {}", redact::fingerprint(text)), Fix::SignInAgain)
}

/// The token says that another issuer made it. It is named only if it is one of ours.
fn other_issuer(case: &Case<'_>, iss: &str) -> Finding {
    let own = case
        .application
        .as_ref()
        .and_then(|application| case.url_of(IssuerId::Application(application.id), Some(application)));
    let ours = [Some(case.signet.pool_issuer().url().to_owned()), own].into_iter().flatten();
    let known = ours.into_iter().find(|url| url == iss);
    let received = format!("one of {}", redact::shown(iss));
    let fix = known.map(|issuer| Fix::UseIssuer { issuer });
    Finding::new(format!("an access token of {}", case.refused.issuer.url()), received, fix)
}

/// The issuer that made the refresh token of a request.
pub async fn family_issuer(case: &Case<'_>) -> Option<IssuerId> {
    let store = case.signet.store();
    let shown = refresh::parse_refresh_token(&store.pool().refresh_key, case.params.get("refresh_token")?)?;
    Some(store.refresh_family(shown.family).await.ok().flatten()?.grant.issuer)
}
