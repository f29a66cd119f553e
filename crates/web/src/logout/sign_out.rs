//! POST `/oidc/session/sign-out`: an application signs its user out, by their access token.

use std::sync::Arc;

use axum::{extract::State, response::Response};
use http::StatusCode;
use signet_protocol::{
    access_token::grant_of,
    application::ActiveApplication,
    error::{ErrorCode, Refusal, refuse},
    params::RawParams,
};
use signet_store::{
    SignOut,
    audit::{Act, Via},
};

use crate::{
    Signet, audit,
    edge::{Edge, Form},
    error::{Failure, only},
    oidc::{
        cors, live,
        me::{INVALID_TOKEN, bearer, challenge},
    },
    respond,
};

/// POST `/oidc/session/sign-out`.
pub async fn handle(State(signet): State<Arc<Signet>>, edge: Edge, form: Form) -> Response {
    let result = signed_out(&signet, &edge, form).await;
    cors::finish(&signet, &edge, result).await
}

async fn signed_out(signet: &Arc<Signet>, edge: &Edge, form: Form) -> Result<Response, Failure> {
    only(&edge.method, "POST, OPTIONS")?;
    let Some(text) = edge.authorization()?.and_then(bearer) else {
        return Ok(challenge());
    };
    let reach = Reach::read(&form.params()?)?;
    let live = live::access_token(signet, &edge.issuer, text).await?.ok_or(INVALID_TOKEN)?;
    reach.check(&live.application)?;
    let grant = grant_of(&live.token.jti).ok_or(INVALID_TOKEN)?;
    let session = signet.store().session_of_grant(grant).await?.ok_or(INVALID_TOKEN)?;
    let (user, application) = (live.user.ok_or(INVALID_TOKEN)?.id, live.application.id);
    let what = match (reach.devices, reach.applications) {
        (Which::This, Which::This) => SignOut::Application(session, application),
        (Which::This, Which::All) => SignOut::Session(session),
        (Which::All, Which::This) => SignOut::UserApplication(user, application),
        (Which::All, Which::All) => SignOut::User(user),
    };
    let entry = audit::sign_out(signet, edge.origin(Via::Endpoint), what, (user, Some(application))).await?;
    signet.store().sign_out(what, Act::new(signet.now(), entry)).await?;
    let (request_id, devices, applications) = (&edge.request_id, reach.devices, reach.applications);
    tracing::info!(request_id, sub = %user, client_id = %application, ?devices, ?applications, "signed out");
    Ok(respond::json(StatusCode::OK, &serde_json::json!({})))
}

/// Of what a sign-out reaches: the one at hand, or all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// This one.
    This,
    /// All of them.
    All,
}

/// How far a sign-out reaches: four modes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Reach {
    devices: Which,
    applications: Which,
}

const UNREADABLE: Refusal = refuse(
    ErrorCode::InvalidRequest,
    "devices and applications are each this or all, once, in the form body; left out they are this",
);

const NOT_SHARED: Refusal = refuse(
    ErrorCode::InsufficientScope,
    "the application does not share its login (sso), so it can end no login but its own; leave out applications=all",
);

impl Reach {
    fn read(params: &RawParams) -> Result<Reach, Refusal> {
        let which = |name| match params.get(name) {
            _ if params.repeats(name) => Err(UNREADABLE),
            None | Some("this") => Ok(Which::This),
            Some("all") => Ok(Which::All),
            Some(_) => Err(UNREADABLE),
        };
        Ok(Reach { devices: which("devices")?, applications: which("applications")? })
    }

    /// Whoever has no part in the shared login does not end it.
    fn check(self, application: &ActiveApplication) -> Result<(), Refusal> {
        match self.applications {
            Which::All if !application.settings.sso => Err(NOT_SHARED),
            _ => Ok(()),
        }
    }
}
