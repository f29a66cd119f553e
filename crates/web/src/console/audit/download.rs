//! The audit log as a file: sent page by page while it is read, so that a log of any length needs no memory.

use std::sync::Arc;

use serde_json::Value;
use signet_store::audit::{Act, Action, Entry, Named, Page, Record, Select};
use tokio::sync::mpsc::Sender;

use crate::{
    Signet,
    console::{
        Answer, Ask,
        download::{self, Broken, Piece},
        missing,
    },
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
    let date: String = ask.signet.now().timestamp().to_text().chars().take(10).collect();
    let (sender, response) = download::begin(&format!("signet-audit-{date}.{end}"), kind);
    tokio::spawn(send(Arc::clone(&ask.signet), (asked, form), first, sender));
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
async fn send(signet: Arc<Signet>, (asked, form): (Asked, Form), first: Page, to: Sender<Piece>) {
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
