//! The discovery document and the key set: rendered when something changes, not for each request.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

use axum::{body::Bytes, extract::State, response::Response};
use http::{
    HeaderMap, HeaderValue, StatusCode,
    header::{
        ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH, X_CONTENT_TYPE_OPTIONS,
    },
};
use serde::Serialize;
use signet_protocol::{
    application::Application,
    discovery::discovery,
    issuer::IssuerId,
    jose::{JwkSet, KeyAlg, b64, sha256},
};

use crate::{
    Signet,
    clock::SystemEntropy,
    edge::Edge,
    error::{Failure, only},
};

/// Documents kept at most; more issuers than that are rendered as they are asked for.
const KEPT: usize = 4096;

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Document {
    Discovery,
    Jwks,
}

/// The rendered documents, each with the state of the store it was rendered from.
#[derive(Default)]
pub struct Rendered {
    kept: RwLock<HashMap<(IssuerId, Document), Kept>>,
}

#[derive(Clone)]
struct Kept {
    generation: u64,
    body: Bytes,
    etag: HeaderValue,
}

impl Rendered {
    fn get(&self, key: (IssuerId, Document), generation: u64) -> Option<Kept> {
        let kept = self.kept.read().unwrap_or_else(PoisonError::into_inner);
        kept.get(&key).filter(|kept| kept.generation == generation).cloned()
    }

    fn put(
        &self,
        key: (IssuerId, Document),
        generation: u64,
        document: &impl Serialize,
    ) -> Result<Kept, Failure> {
        let body = serde_json::to_vec(document)
            .map_err(|_| Failure::Internal("a document could not be rendered"))?;
        let etag = HeaderValue::from_str(&format!("\"{}\"", b64(&sha256(&body))))
            .map_err(|_| Failure::Internal("an ETag could not be made"))?;
        let new = Kept { generation, body: body.into(), etag };
        let mut kept = self.kept.write().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= KEPT {
            kept.clear();
        }
        kept.insert(key, new.clone());
        Ok(new)
    }
}

/// GET `/oidc/.well-known/openid-configuration` (OpenID Connect Discovery §4).
pub async fn configuration(State(signet): State<Arc<Signet>>, edge: Edge, headers: HeaderMap) -> Response {
    edge.json(serve(&signet, &edge, &headers, Document::Discovery).await)
}

/// GET `/oidc/.well-known/jwks.json` (RFC 7517 §5).
pub async fn jwks(State(signet): State<Arc<Signet>>, edge: Edge, headers: HeaderMap) -> Response {
    edge.json(serve(&signet, &edge, &headers, Document::Jwks).await)
}

async fn serve(
    signet: &Arc<Signet>,
    edge: &Edge,
    headers: &HeaderMap,
    document: Document,
) -> Result<Response, Failure> {
    only(&edge.method, "GET, HEAD, OPTIONS")?;
    let generation = signet.store().generation();
    let key = (edge.issuer.id(), document);
    let kept = match (signet.rendered().get(key, generation), document) {
        (Some(kept), _) => kept,
        (None, Document::Discovery) => {
            let own = own(signet, edge).await?;
            let pool = signet.store().pool_settings().await?;
            signet.rendered().put(key, generation, &discovery(&edge.issuer, own.as_deref(), &pool))?
        }
        (None, Document::Jwks) => {
            make_keys(signet, edge).await?;
            // Read before the keys are: what changes in between makes the rendered document stale, not the other way.
            let generation = signet.store().generation();
            let keys = signet.store().published_keys(edge.issuer.id()).await?;
            signet.rendered().put(key, generation, &JwkSet { keys })?
        }
    };
    Ok(response(headers, kept))
}

/// The application whose own address it is, read after the generation was: `edge.own` may be what it was before a change.
async fn own(signet: &Arc<Signet>, edge: &Edge) -> Result<Option<Arc<Application>>, Failure> {
    match &edge.own {
        Some(own) => Ok(signet.store().application(own.id).await?.or_else(|| edge.own.clone())),
        None => Ok(None),
    }
}

/// Makes the keys that the issuer's tokens will be signed with, unless they are there.
async fn make_keys(signet: &Arc<Signet>, edge: &Edge) -> Result<(), Failure> {
    let store = signet.store();
    for alg in KeyAlg::ALL.iter().copied() {
        // RS256 always: clients that know nothing else read the key set, too.
        let used = match &edge.own {
            _ if alg == KeyAlg::Rs256 => true,
            Some(application) => application.settings.signs_with(alg),
            None => store.any_application_uses(alg).await?,
        };
        if used {
            store.signing_key(edge.issuer.id(), alg, signet.now(), &mut SystemEntropy).await?;
        }
    }
    Ok(())
}

/// Whether an `If-None-Match` header names `etag`, compared weakly (RFC 9110 §13.1.2).
fn names(header: &HeaderValue, etag: &HeaderValue) -> bool {
    let listed = header.as_bytes().split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
    listed.map(|one| one.strip_prefix(b"W/").unwrap_or(one)).any(|one| one == b"*" || one == etag.as_bytes())
}

fn response(headers: &HeaderMap, kept: Kept) -> Response {
    let fresh = headers.get_all(IF_NONE_MATCH).iter().any(|shown| names(shown, &kept.etag));
    let body = if fresh { axum::body::Body::empty() } else { kept.body.into() };
    let mut response = Response::new(body);
    *response.status_mut() = if fresh { StatusCode::NOT_MODIFIED } else { StatusCode::OK };
    let out = response.headers_mut();
    out.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    out.insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=60"));
    out.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    // Public documents: any script may read them.
    out.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    out.insert(ETAG, kept.etag);
    response
}
