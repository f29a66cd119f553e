//! The pages between an authorization request and its answer: sign in, choose the account, consent. And the one of a one-time
//! link, which belongs to no request.

pub mod account;
pub mod attempts;
pub mod browser;
pub mod consent;
pub mod credentials;
pub mod forgot;
pub mod reset;
pub mod session;
pub mod sign_in;
pub mod sso;
pub mod transaction;

use std::future::Future;

use axum::response::Response;
use http::Method;

use crate::{
    edge::Edge,
    error::{Failure, only},
};

type Answer = Result<Response, Failure>;

/// A page of a transaction: a POST submits its form, anything else shows it. Only the one that is meant is run.
pub async fn page(
    edge: &Edge,
    show: impl Future<Output = Answer>,
    submit: impl Future<Output = Answer>,
) -> Response {
    let result = match only(&edge.method, "GET, HEAD, POST") {
        Ok(()) if edge.method == Method::POST => submit.await,
        Ok(()) => show.await,
        Err(failure) => Err(failure),
    };
    edge.page(edge.lang(None), result)
}
