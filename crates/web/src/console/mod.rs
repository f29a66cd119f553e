//! The console: pages over [`manage`](crate::manage), for people who administer the pool.
//!
//! Every page is a row of a table: its path, the permission it needs, and the function that answers. One gate stands
//! before all of them. It lets nobody in without a login to the console, asks the role, and takes a form only with the
//! token of that login, so that no page can forget to. What a page gets is an [`Ask`], whose operator only the gate makes.

mod applications;
mod audit;
mod download;
mod fields;
mod gate;
mod history;
mod home;
mod kept;
mod overview;
mod paging;
mod review;
mod routes;
mod session;
mod settings;
mod setup;
mod shell;
mod sign_in;
mod traces;
mod users;
mod words;

use std::{collections::BTreeMap, pin::Pin, sync::Arc};

use axum::response::Response;
use http::StatusCode;
use signet_protocol::{id::AppId, operator::Permission, params::RawParams, time::Timestamp};
use signet_store::audit::{Origin, Via};

pub use self::{
    routes::{ROWS, routes},
    session::Operator,
};
use self::{shell::Shell, words::Words};
use crate::{
    Signet, audit as trail,
    edge::Edge,
    error::{Failure, Missing},
    pages::Lang,
    respond::{self, Policy},
    upload::Upload,
};

/// A request to the console by somebody who may make it.
pub struct Ask {
    signet: Arc<Signet>,
    edge: Edge,
    operator: Operator,
    path: BTreeMap<String, String>,
    query: RawParams,
    form: RawParams,
    /// The file that was sent along, where one can be.
    file: Option<Upload>,
    lang: Lang,
    /// Path and query, as they were asked.
    target: String,
}

/// What a page comes to.
type Answer = Result<Response, Failure>;
type Handler = fn(Ask) -> Pin<Box<dyn Future<Output = Answer> + Send>>;

/// One thing that can be asked of the console.
pub struct Route {
    /// Its path.
    pub path: &'static str,
    /// Whether it takes a form, and not just shows a page.
    pub posts: bool,
    /// What whoever asks has to be allowed.
    pub permission: Permission,
    /// Whether they must have shown their password a moment ago.
    pub fresh: bool,
    /// The bytes of a form with a file, if it takes one.
    pub file: Option<usize>,
    handler: Handler,
}

impl Ask {
    /// The part of the path that the route calls `name`.
    fn part(&self, name: &str) -> &str {
        self.path.get(name).map_or("", String::as_str)
    }

    /// The application that the path names, if it names one.
    fn app_id(&self) -> Option<AppId> {
        AppId::parse(self.part("app"))
    }

    /// What every page has around what is its own.
    fn shell(&self, section: Section) -> Shell {
        Shell::of(self, section)
    }

    /// Whether whoever asks may do this, too, to the application of the path.
    fn may(&self, permission: Permission) -> bool {
        self.operator.may(permission, self.app_id())
    }

    /// Where what is done by this request comes from.
    fn origin(&self) -> Origin {
        let reason = self.form.get("reason").map(str::trim).filter(|reason| !reason.is_empty());
        Origin { reason: reason.map(str::to_owned), ..self.edge.origin(Via::Console) }
            .by(trail::user(self.operator.user()))
    }

    /// The texts of a room in the language of the page.
    fn words<W: Words>(&self) -> &'static W {
        W::of(self.lang)
    }

    /// A page of the console.
    fn page(&self, status: StatusCode, page: &impl askama::Template) -> Answer {
        Ok(respond::page(status, page, &Policy::CONSOLE))
    }
}

/// A moment as pages show it: to the minute, in UTC.
fn moment(at: Timestamp) -> String {
    let text = crate::manage::keys::Utc(at).to_string();
    let (date, time) = text.split_once('T').unwrap_or((&text, ""));
    format!("{date} {} UTC", time.get(..5).unwrap_or(time))
}

/// There is no such page.
fn missing() -> Failure {
    Failure::Missing(Missing::Path)
}

/// The parts of the console.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    /// The first page.
    Overview,
    /// Applications.
    Applications,
    /// Users.
    Users,
    /// The audit log.
    Audit,
    /// Settings of the pool.
    Settings,
}
