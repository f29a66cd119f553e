//! `/console/users/export`: everybody as a file, for an import elsewhere.

use std::{
    pin::Pin,
    sync::Arc,
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
use signet_protocol::id::UserId;
use signet_store::{
    StoreError,
    audit::{Act, Action, Entry, Named},
};
use tokio::sync::mpsc;

use crate::{
    Signet,
    console::{Answer, Ask, missing},
    manage::users::{
        export::{fields, head, line},
        import::Format,
    },
};

/// Users that are read at once.
const PAGE: usize = 500;
/// Pages that wait for who downloads.
const AHEAD: usize = 2;

/// GET `/console/users/export?format=csv` or `jsonl`. Nobody's password is in it.
pub async fn download(ask: Ask) -> Answer {
    let format = ask.query.get("format").and_then(Format::parse).ok_or_else(missing)?;
    let (name, kind) = match format {
        Format::Csv => ("users.csv", "text/csv; charset=utf-8"),
        Format::JsonLines => ("users.jsonl", "application/x-ndjson"),
    };
    let entry = Entry::of_admin(Action::Export, ask.origin()).on("users", Named::only("users"));
    ask.signet.store().write_audit(&Act::new(ask.signet.now(), entry.with("file", name))).await?;
    let (pages, received) = mpsc::channel(AHEAD);
    drop(tokio::spawn(write(Arc::clone(&ask.signet), format, pages)));
    let mut response = Response::new(Body::new(Download(received)));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if let Ok(value) = HeaderValue::from_str(&format!("attachment; filename=\"{name}\"")) {
        headers.insert(CONTENT_DISPOSITION, value);
    }
    Ok(response)
}

type Piece = Result<Bytes, StoreError>;

/// Sends everybody, page by page, for as long as somebody receives.
async fn write(signet: Arc<Signet>, format: Format, pages: mpsc::Sender<Piece>) {
    let (mut text, mut last) = (head(format, false), None);
    loop {
        let page = page(&signet, format, last).await;
        let (more, next) = match page {
            Ok(page) => page,
            Err(error) => {
                tracing::warn!(%error, "an export of users broke off");
                // The download breaks off, so that nobody takes it for everybody.
                let _ = pages.send(Err(error)).await;
                return;
            }
        };
        text.push_str(&more);
        if pages.send(Ok(Bytes::from(std::mem::take(&mut text)))).await.is_err() || next.is_none() {
            return;
        }
        last = next;
    }
}

async fn page(
    signet: &Signet,
    format: Format,
    last: Option<UserId>,
) -> Result<(String, Option<UserId>), StoreError> {
    let users = signet.store().users_after(last, PAGE).await?;
    let text = users.iter().map(|user| line(&fields(user, false), format, false)).collect();
    Ok((text, users.last().filter(|_| users.len() == PAGE).map(|user| user.id)))
}

/// A body of pieces as they come.
struct Download(mpsc::Receiver<Piece>);

impl HttpBody for Download {
    type Data = Bytes;
    type Error = StoreError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, StoreError>>> {
        self.0.poll_recv(context).map(|piece| piece.map(|piece| piece.map(Frame::data)))
    }
}
