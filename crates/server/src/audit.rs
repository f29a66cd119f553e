//! `signet audit`: the log of who did what.

use signet_web::manage::audit::Asked;

use crate::{
    cli::{Audit, ExportAudit, ListAudit, PruneAudit, Records, VerifyAudit},
    commands::{ask, done, print, reach},
    config::Config,
    control::{Answer, AuditForm, AuditPage, Request},
    failure::Failure,
};

/// Records that are asked for at a time.
const PAGE: i64 = 1000;

/// Does what is asked.
pub async fn audit(config: &Config, command: Audit) -> Result<(), Failure> {
    match command {
        Audit::List(arguments) => list(config, arguments).await,
        Audit::Export(arguments) => export(config, arguments).await,
        Audit::Verify(VerifyAudit { expect }) => {
            print(done(ask(config, Request::VerifyAudit { expect }).await?)?)
        }
        Audit::Prune(PruneAudit { keep_days }) => {
            print(done(ask(config, Request::PruneAudit { days: keep_days }).await?)?)
        }
    }
}

async fn list(config: &Config, arguments: ListAudit) -> Result<(), Failure> {
    let ListAudit { records, limit, after } = arguments;
    let page = AuditPage { asked: asked(records), form: AuditForm::Lines, after, limit, forward: false };
    let (text, next) = records_of(ask(config, Request::Audit(Box::new(page))).await?)?;
    let more = next.map(|next| format!("\nThere is more: --after {next}")).unwrap_or_default();
    print(format!("{}{more}", text.trim_end()))
}

async fn export(config: &Config, arguments: ExportAudit) -> Result<(), Failure> {
    let ExportAudit { records, format } = arguments;
    let form = match format.as_str() {
        "json" => AuditForm::Json,
        "csv" => AuditForm::Csv,
        _ => {
            return Err(Failure::new(format!("there is no format {format:?}")).help("Choose json or csv."));
        }
    };
    if form == AuditForm::Csv {
        print(signet_web::manage::audit::CSV_HEAD.to_owned())?;
    }
    let mut page = AuditPage { asked: asked(records), form, after: None, limit: PAGE, forward: true };
    loop {
        let (answer, _) = reach(config, Request::Audit(Box::new(page.clone()))).await?;
        let (text, next) = records_of(answer)?;
        if !text.is_empty() {
            print(text)?;
        }
        match next {
            Some(next) => page.after = Some(next),
            None => return Ok(()),
        }
    }
}

fn records_of(answer: Answer) -> Result<(String, Option<String>), Failure> {
    match answer {
        Answer::Records { text, next } => Ok((text, next)),
        answer => done(answer).map(|text| (text, None)),
    }
}

fn asked(records: Records) -> Asked {
    let Records { kind, action, actor, application, target, ip, request_id, success, from, to } = records;
    Asked { kind, action, actor, application, target, ip, request_id, success, from, to }
}
