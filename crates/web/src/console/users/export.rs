//! `/console/users/export`: everybody as a file, for an import elsewhere.

use std::sync::Arc;

use axum::body::Bytes;
use signet_protocol::id::UserId;
use signet_store::{
    StoreError,
    audit::{Act, Action, Entry, Named},
};
use tokio::sync::mpsc::Sender;

use crate::{
    Signet,
    console::{
        Answer, Ask,
        download::{self, Broken, Piece},
        missing,
    },
    manage::users::{
        export::{fields, head, line},
        import::Format,
    },
};

/// Users that are read at once.
const PAGE: usize = 500;

/// GET `/console/users/export?format=csv` or `jsonl`. Nobody's password is in it.
pub async fn download(ask: Ask) -> Answer {
    let format = ask.query.get("format").and_then(Format::parse).ok_or_else(missing)?;
    let (name, kind) = match format {
        Format::Csv => ("users.csv", "text/csv; charset=utf-8"),
        Format::JsonLines => ("users.jsonl", "application/x-ndjson"),
    };
    let entry = Entry::of_admin(Action::Export, ask.origin()).on("users", Named::only("users"));
    ask.signet.store().write_audit(&Act::new(ask.signet.now(), entry.with("file", name))).await?;
    let (pages, response) = download::begin(name, kind);
    drop(tokio::spawn(write(Arc::clone(&ask.signet), format, pages)));
    Ok(response)
}

/// Sends everybody, page by page, for as long as somebody receives.
async fn write(signet: Arc<Signet>, format: Format, pages: Sender<Piece>) {
    let (mut text, mut last) = (head(format, false), None);
    loop {
        let page = page(&signet, format, last).await;
        let (more, next) = match page {
            Ok(page) => page,
            Err(error) => {
                tracing::warn!(%error, "an export of users broke off");
                let _ = pages.send(Err(Broken)).await;
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
