//! Every rule of the authorization endpoint as a table.

mod addressee;
mod checks;
mod decide;
mod issue;

use crate::{
    application::ActiveApplication,
    authorize::{Addressee, AuthorizationRequest, Draft, check},
    params::RawParams,
    samples::*,
};

/// A request that nothing is wrong with.
const GOOD: &[(&str, &str)] = &[
    ("client_id", "b00000000000000000000001"),
    ("redirect_uri", CALLBACK),
    ("response_type", "code"),
    ("scope", "openid profile"),
    ("state", "s"),
    ("nonce", "n"),
    ("code_challenge", CHALLENGE),
    ("code_challenge_method", "S256"),
];

/// The good request with each parameter of `changes` replaced, or added, or left out when it is `None`.
fn good_but(changes: &[(&str, Option<&str>)]) -> RawParams {
    let kept = GOOD.iter().copied().filter(|(name, _)| changes.iter().all(|(changed, _)| changed != name));
    let new = changes.iter().filter_map(|(name, value)| value.map(|value| (*name, value)));
    params(&kept.chain(new).collect::<Vec<_>>())
}

fn checked(changes: &[(&str, Option<&str>)], application: &ActiveApplication) -> AuthorizationRequest {
    check(&Draft::parse(&good_but(changes)), application).unwrap()
}

fn addressee(changes: &[(&str, Option<&str>)]) -> Addressee {
    Addressee::find(&good_but(changes), &active_application(), &pool_issuer()).unwrap()
}
