//! `/console/users/import`: a file of users, looked through before it is taken in.

use std::sync::Arc;

use askama::Template;
use http::{HeaderValue, StatusCode};
use signet_protocol::said::Said;

use super::words::{ImportWords, UserWords};
use crate::{
    console::{
        Answer, Ask, Section, missing, moment,
        shell::{Notice, Shell},
        words::{Words, fill},
    },
    manage::users::import::{
        Desk, DeskError, Elsewhere, FIELDS, File, Format, LineProblem, Mode, Progress, State, elsewhere,
    },
    pages::Lang,
    respond,
};

/// Problems that are shown; what an import keeps of them is more than a page should have.
const PROBLEMS: usize = 200;
/// The seconds after which a page that shows how far an import is looks again. A header, so that it needs no script.
const AGAIN: HeaderValue = HeaderValue::from_static("2");

#[derive(Template)]
#[template(path = "console/users/import.html")]
struct ImportPage {
    shell: Shell,
    desk: Option<DeskView>,
    others: Vec<OtherView>,
    alert: Option<&'static str>,
    /// What is wrong with the file as a whole.
    wrong: Option<String>,
    columns: Vec<&'static str>,
    update: bool,
}

/// A file in the memory of another node.
struct OtherView {
    title: String,
    lead: String,
    lost: bool,
    percent: u64,
    dry_run: bool,
    progress: Progress,
    begun: String,
}

/// The file on the desk.
struct DeskView {
    title: String,
    running: bool,
    stopped: bool,
    failed: Option<String>,
    ready: bool,
    dry_run: bool,
    size: u64,
    progress: Progress,
    /// By line.
    problems: Vec<(usize, String)>,
    untold: usize,
    begun: String,
}

impl ImportPage {
    fn t(&self) -> &'static ImportWords {
        ImportWords::of(self.shell.lang)
    }

    fn is_running(&self) -> bool {
        self.desk.as_ref().is_some_and(|desk| desk.running)
    }

    fn users(&self) -> &'static UserWords {
        UserWords::of(self.shell.lang)
    }
}

impl DeskView {
    /// How much of the file was read, of a hundred.
    fn percent(&self) -> u64 {
        (self.progress.bytes * 100).checked_div(self.size).unwrap_or(100).min(100)
    }

    fn found(&self) -> usize {
        self.progress.created + self.progress.updated
    }
}

/// GET of the page.
pub async fn show(ask: Ask) -> Answer {
    page(&ask, None, None).await
}

async fn page(ask: &Ask, alert: Option<&'static str>, wrong: Option<String>) -> Answer {
    let desk = ask.signet.imports().desk();
    let others = elsewhere(&ask.signet).await?;
    let at_work = |other: &Elsewhere| other.state.running && !other.lost;
    let running = desk.as_ref().is_some_and(|desk| !desk.job.is_finished()) || others.iter().any(at_work);
    let page = ImportPage {
        shell: ask.shell(Section::Users),
        desk: desk.map(|desk| view(ask.lang, &desk)),
        others: others.into_iter().map(|other| other_view(ask.words(), other)).collect(),
        columns: FIELDS.to_vec(),
        update: ask.form.has("update"),
        alert,
        wrong,
    };
    let bad = page.alert.is_some() || page.wrong.is_some();
    let mut response = ask.page(if bad { StatusCode::BAD_REQUEST } else { StatusCode::OK }, &page)?;
    if running && !bad {
        response.headers_mut().insert("refresh", AGAIN);
    }
    Ok(response)
}

fn view(lang: Lang, desk: &Arc<Desk>) -> DeskView {
    let t = ImportWords::of(lang);
    let running = !desk.job.is_finished();
    let outcome = desk.job.outcome();
    let name = if desk.name.is_empty() { t.pasted_name } else { &desk.name };
    let title = match (running, desk.mode.dry_run) {
        (true, true) => t.checking,
        (true, false) => t.importing,
        (false, true) => t.checked,
        (false, false) => t.imported,
    };
    let report = outcome.and_then(|outcome| outcome.as_ref().ok());
    let all = report.map(|report| report.problems.as_slice()).unwrap_or_default();
    let told = |found: &LineProblem| (found.line, found.problem.message.of(lang).to_owned());
    DeskView {
        title: fill(title, name),
        running,
        stopped: !running && outcome.is_none(),
        failed: outcome
            .and_then(|outcome| outcome.as_ref().err())
            .map(|error| Said::from(error).of(lang).to_owned()),
        ready: desk.is_ready(),
        dry_run: desk.mode.dry_run,
        size: desk.size,
        progress: report.map_or_else(|| desk.job.progress(), |report| report.progress),
        problems: all.iter().take(PROBLEMS).map(told).collect(),
        untold: all.len().saturating_sub(PROBLEMS) + report.map_or(0, |report| report.untold),
        begun: moment(desk.begun_at),
    }
}

fn other_view(t: &'static ImportWords, other: Elsewhere) -> OtherView {
    let State { dry_run, running, size, progress } = other.state;
    let name = if other.name.is_empty() { t.pasted_name } else { &other.name };
    let title = match (running, dry_run) {
        (true, true) => t.checking,
        (true, false) => t.importing,
        (false, true) => t.checked,
        (false, false) => t.imported,
    };
    OtherView {
        title: fill(title, name),
        lead: fill(t.elsewhere, &other.host),
        lost: other.lost,
        percent: (progress.bytes * 100).checked_div(size).unwrap_or(100).min(100),
        dry_run,
        progress,
        begun: moment(other.begun_at),
    }
}

/// POST of a file.
pub async fn submit(ask: Ask) -> Answer {
    let t: &'static ImportWords = ask.words();
    let Some(file) = ask.file.as_ref() else { return page(&ask, Some(t.no_file), None).await };
    let chosen = ask.form.get("format").unwrap_or_default();
    let format = Format::parse(chosen).or_else(|| Format::of_file(&file.name));
    let Some(format) = format else { return page(&ask, Some(t.no_format), None).await };
    let mode = Mode { dry_run: true, update: ask.form.has("update") };
    let name: String = file.name.chars().filter(|c| !c.is_control()).take(100).collect();
    let file = File { name, bytes: file.bytes.clone(), format };
    answer(&ask, ask.signet.imports().look(&ask.signet, file, mode, ask.origin()).map(|()| true)).await
}

/// POST `…/job`: the file that was looked through is taken in, or put away.
pub async fn job(ask: Ask) -> Answer {
    let imports = ask.signet.imports();
    match ask.form.get("act") {
        Some("begin") => answer(&ask, imports.take_in(&ask.signet, ask.origin())).await,
        Some("away") if imports.desk().is_none() && !elsewhere(&ask.signet).await?.is_empty() => {
            page(&ask, Some(ask.words::<ImportWords>().not_here), None).await
        }
        Some("away") => {
            imports.put_away(&ask.signet);
            Ok(respond::see_other(&format!("/console/users/import?done={}", Notice::Removed.as_str())))
        }
        _ => Err(missing()),
    }
}

async fn answer(ask: &Ask, begun: Result<bool, DeskError>) -> Answer {
    let t: &'static ImportWords = ask.words();
    match begun {
        Ok(true) => Ok(respond::see_other("/console/users/import")),
        Ok(false) if !elsewhere(&ask.signet).await?.is_empty() => page(ask, Some(t.not_here), None).await,
        Ok(false) => page(ask, Some(t.gone), None).await,
        Err(DeskError::Occupied) => page(ask, Some(t.occupied), None).await,
        Err(DeskError::File(error)) => page(ask, None, Some(Said::from(error).of(ask.lang).to_owned())).await,
    }
}
