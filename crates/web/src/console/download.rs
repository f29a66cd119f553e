//! A file that is made while it is sent, so that one of any length needs no memory.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use axum::{
    body::{Body, Bytes, HttpBody},
    response::Response,
};
use http::{
    HeaderValue,
    header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS},
};
use hyper::body::Frame;
use tokio::sync::mpsc::{Receiver, Sender, channel};

/// Pieces that wait for who downloads.
const AHEAD: usize = 2;

/// The rest cannot be read: the download breaks off, so that nobody takes it for the whole.
#[derive(Debug, thiserror::Error)]
#[error("the file cannot be read any further")]
pub struct Broken;

/// A piece, or that there are no more.
pub type Piece = Result<Bytes, Broken>;

/// A file of this name and type, and where its pieces are put. Who does not take them any more closes that.
pub fn begin(name: &str, kind: &'static str) -> (Sender<Piece>, Response) {
    let (sender, receiver) = channel(AHEAD);
    let mut response = Response::new(Body::new(Pieces(receiver)));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if let Ok(value) = HeaderValue::from_str(&format!("attachment; filename=\"{name}\"")) {
        headers.insert(CONTENT_DISPOSITION, value);
    }
    (sender, response)
}

struct Pieces(Receiver<Piece>);

impl HttpBody for Pieces {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        self.0.poll_recv(context).map(|piece| piece.map(|piece| piece.map(Frame::data)))
    }
}
