//! The audit log as a file: sent page by page while it is read, so that a log of any length needs no memory.

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
use serde_json::Value;
use signet_store::audit::{Act, Action, Entry, Named, Page, Record, Select};
use tokio::sync::mpsc::{Receiver, Sender, channel};

use crate::{
    Signet,
    console::{Answer, Ask, missing},
    manage::audit::{self, Asked, AuditError},
};

/// Records that are read at a time.
const PAGE: i64 = 500;

/// How a file is written.
#[derive(Clone, Copy)]
enum Form {
    /// A line of JSON for each record.
    Json,
    /// Comma-separated values, with a head.
    Csv,
}

impl Form {
    fn parse(text: Option<&str>) -> Option<Form> {
        match text {
            Some("jsonl") => Some(Form::Json),
            Some("csv") => Some(Form::Csv),
            _ => None,
        }
    }

    /// Its type, and the end of its name.
    fn kind(self) -> (&'static str, &'static str) {
        match self {
            Form::Json => ("application/jsonl; charset=utf-8", "jsonl"),
            Form::Csv => ("text/csv; charset=utf-8; header=present", "csv"),
        }
    }

    fn head(self) -> String {
        match self {
            Form::Json => String::new(),
            Form::Csv => format!("{}\r\n", audit::CSV_HEAD),
        }
    }

    fn line(self, record: &Record) -> String {
        match self {
            Form::Json => format!("{}\n", audit::as_json(record)),
            Form::Csv => format!("{}\r\n", audit::as_csv(record)),
        }
    }
}

/// GET `/console/audit/export`: everything that the filter finds, oldest first. That it was taken is written down first.
pub async fn export(ask: Ask) -> Answer {
    let form = Form::parse(ask.query.get("format")).ok_or_else(missing)?;
    let asked = super::asked(&ask);
    let first = match audit::list(&ask.signet, &asked, &select(None)).await {
        Ok(page) => page,
        Err(AuditError::Store(error)) => return Err(error.into()),
        Err(AuditError::Asked(_)) => return Err(missing()),
    };
    let (kind, end) = form.kind();
    let entry = Entry::of_admin(Action::Export, ask.origin())
        .on("audit_log", Named::default())
        .with("format", end)
        .with("filter", filter_of(&asked));
    ask.signet.store().write_audit(&Act::new(ask.signet.now(), entry)).await?;
    let (sender, receiver) = channel(2);
    tokio::spawn(send(Arc::clone(&ask.signet), (asked, form), first, sender));
    let mut response = Response::new(Body::new(Lines(receiver)));
    let date: String = ask.signet.now().timestamp().to_text().chars().take(10).collect();
    let name = format!("attachment; filename=\"signet-audit-{date}.{end}\"");
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if let Ok(name) = HeaderValue::from_str(&name) {
        headers.insert(CONTENT_DISPOSITION, name);
    }
    Ok(response)
}

fn select(after: Option<String>) -> Select {
    Select { after, limit: PAGE, forward: true, bounded: false }
}

/// What was asked for, without what was not.
fn filter_of(asked: &Asked) -> Value {
    let mut filter = serde_json::to_value(asked).unwrap_or_default();
    if let Some(filter) = filter.as_object_mut() {
        filter.retain(|_, value| !value.is_null());
    }
    filter
}

/// Reads page after page into the answer, as fast as it is taken. Who does not take it any more ends it; a file that ends
/// early for another reason is broken off, and not ended as if it were whole.
async fn send(signet: Arc<Signet>, (asked, form): (Asked, Form), first: Page, to: Sender<Part>) {
    if to.send(Ok(form.head().into())).await.is_err() {
        return;
    }
    let mut page = first;
    loop {
        let text: String = page.records.iter().map(|record| form.line(record)).collect();
        if !text.is_empty() && to.send(Ok(text.into())).await.is_err() {
            return;
        }
        let Some(next) = page.next else { return };
        page = match audit::list(&signet, &asked, &select(Some(next))).await {
            Ok(page) => page,
            Err(error) => {
                tracing::warn!(%error, "an export of the audit log was broken off");
                drop(to.send(Err(Broken)).await);
                return;
            }
        };
    }
}

/// The rest cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("the audit log cannot be read any further")]
struct Broken;

type Part = Result<Bytes, Broken>;

/// An answer that is made while it is sent.
struct Lines(Receiver<Part>);

impl HttpBody for Lines {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        self.0.poll_recv(context).map(|part| part.map(|part| part.map(Frame::data)))
    }
}
