//! Request objects: fetched where they are only named, verified, and turned into parameters.

use signet_protocol::{
    application::ActiveApplication,
    authorize::{
        self,
        request_object::{Around, Carried, UNVERIFIED, carried},
    },
    client_token::ClientTokenError,
    error::{ErrorCode, Refusal, refuse},
    jose::MAX_JWT,
    params::RawParams,
    request_uri::RequestReference,
};

use crate::{
    Signet, client_keys, edge::Edge, error::Failure, oidc::application_here, outbound::OutboundError,
};

/// The parameters that a request comes to, without `request` and `request_uri`; unchanged where it carries neither, or where
/// its client is not known, which its answer will say. The inner error is the client's to be told.
pub async fn resolve(
    signet: &Signet,
    edge: &Edge,
    params: RawParams,
) -> Result<Result<RawParams, (RawParams, Refusal)>, Failure> {
    let Ok(id) = authorize::client_id(&params) else { return Ok(Ok(params)) };
    let Some(application) = application_here(signet, &edge.issuer, id).await? else { return Ok(Ok(params)) };
    let resolved = match carried(&params, &application) {
        Ok(Carried::Nothing) => return Ok(Ok(params)),
        Ok(Carried::Object(object)) => read(signet, edge, &application, (&params, object)).await,
        Ok(Carried::Reference(reference)) => match fetch(signet, edge, reference).await {
            Ok(object) => read(signet, edge, &application, (&params, &object)).await,
            Err(refusal) => Err(refusal),
        },
        Err(refusal) => Err(refusal),
    };
    Ok(resolved.map_err(|refusal| (params, refusal)))
}

async fn read(
    signet: &Signet,
    edge: &Edge,
    application: &ActiveApplication,
    (params, object): (&RawParams, &str),
) -> Result<RawParams, Refusal> {
    let around = Around { params, application, issuer: &edge.issuer, now: signet.now().timestamp() };
    let resolved = client_keys::verified(signet, application, |keys| around.resolve(object, keys)).await;
    resolved.map_err(|error| match error {
        ClientTokenError::Key => UNVERIFIED,
        ClientTokenError::Refused(refusal) => refusal,
    })
}

async fn fetch(signet: &Signet, edge: &Edge, reference: RequestReference<'_>) -> Result<String, Refusal> {
    let accept = "application/oauth-authz-req+jwt, application/jwt, */*;q=0.1";
    let fetched = signet.outbound().get(reference.url, accept, MAX_JWT).await;
    let document = fetched.map_err(|error| {
        let request_id = &edge.request_id;
        tracing::warn!(request_id, url = reference.url, %error, "a request object was not fetched");
        match error {
            OutboundError::Busy => BUSY,
            _ => UNFETCHED,
        }
    })?;
    if !reference.is_of(&document) {
        return Err(CHANGED);
    }
    let text = String::from_utf8(document).map_err(|_| UNFETCHED)?;
    Ok(text.trim().to_owned())
}

const UNFETCHED: Refusal = refuse(
    ErrorCode::InvalidRequestUri,
    "the request object could not be fetched from request_uri; the server's log says why",
);

const CHANGED: Refusal = refuse(
    ErrorCode::InvalidRequestUri,
    "the document at request_uri is not the one whose SHA-256 is its fragment",
);

const BUSY: Refusal = refuse(
    ErrorCode::TemporarilyUnavailable,
    "too many request objects are being fetched from this host; try again in a few seconds",
);
