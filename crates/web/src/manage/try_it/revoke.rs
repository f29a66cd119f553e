//! What a trial gave, taken back.

use std::sync::Arc;

use signet_protocol::{access_token::grant_of, application::AuthMethod};

use super::{Report, Step, Tried, flow::introspected, refusal::By, rules, trial::Trial, wire::Call};
use crate::{Signet, core, error::Failure, oidc::live};

/// Revokes what `token` stands for: at the endpoint, in the application's place; where its credentials are not known here, as
/// of an account or of an application with a key of its own, by what the endpoint would have done.
pub async fn revoke(
    signet: &Arc<Signet>,
    tried: &Tried,
    token: &str,
    request_id: &str,
) -> Result<Report, Failure> {
    let mut trial = Trial::new(signet, tried);
    if !trial.discover().await {
        return Ok(trial.report());
    }
    let settings = &tried.application.settings;
    let live = live::access_token(signet, &tried.issuer, token).await?;
    let live = live.filter(|live| live.application.id == tried.application.id);
    let of_account = live.as_ref().is_some_and(|live| live.user.is_none());
    let method = settings.revocation_endpoint_auth_method;
    if of_account || method == AuthMethod::PrivateKeyJwt {
        let note = match live {
            Some(live) => {
                let token = &live.token;
                match grant_of(&token.jti) {
                    Some(grant) => core::revoke::asked(&**signet, request_id, grant).await?,
                    None => signet.store().revoke_jti(&token.jti, token.exp, signet.now()).await?,
                }
                &rules::WITHOUT_CLIENT
            }
            None => &rules::NOT_LIVE,
        };
        trial.tell(Step { note: Some(note), ..Step::new(&rules::REVOCATION) });
    } else {
        let call = Call::post(trial.endpoint("revocation_endpoint")).with("token", token);
        if let Some(reply) = trial.ask(call, method, &rules::REVOCATION).await {
            trial.finish(Step::new(&rules::REVOCATION), By::Token, &reply);
            trial.told(reply);
        }
    }
    let method = settings.introspection_endpoint_auth_method;
    let call = Call::post(trial.endpoint("introspection_endpoint")).with("token", token);
    if let Some(reply) = trial.ask(call, method, &rules::INTROSPECTION).await {
        introspected(&mut trial, reply, false);
    }
    Ok(trial.report())
}
