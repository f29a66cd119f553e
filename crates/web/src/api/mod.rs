//! The admin API, `/api/v1`: JSON over [`manage`](crate::manage), for programs that administer the pool.
//!
//! Every route is a row of a table: its method, path and permission, what it takes and gives, and the function that
//! answers. The router, the OpenAPI document and the tests are made from the table, so that none of them can miss a row. One
//! gate stands before all of them (`gate.rs`): it verifies the token, asks the permission, counts the request, reads the body
//! and remembers what came of a request that may be sent again. What a handler gets is an `Ask`, and what it gives is
//! a `Reply`, which is data.

mod accounts;
mod administrators;
mod applications;
mod ask;
mod audit;
mod body;
mod caller;
mod description;
mod gate;
mod keys;
mod limit;
mod openapi;
mod overview;
mod pages;
mod permissions;
mod pool;
mod pools;
mod problem;
mod repeat;
mod reply;
mod routes;
mod schema;
mod schemas;
mod settings;
mod user_state;
mod users;

use std::pin::Pin;

use http::Method;
use signet_protocol::operator::Permission;

use self::{ask::Ask, problem::Problem, reply::Reply};
pub use self::{
    limit::Limits,
    openapi::document,
    problem::{KINDS, Kind},
    routes::{ROWS, routes},
};

/// What a request comes to.
type Answer = Result<Reply, Problem>;
type Handler = fn(Ask) -> Pin<Box<dyn Future<Output = Answer> + Send>>;

/// What stands before every path.
pub const PREFIX: &str = "/api/v1";

/// A parameter of a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Param {
    /// Its name.
    pub name: &'static str,
    /// What it may be.
    pub kind: ParamKind,
    /// What it does.
    pub about: &'static str,
}

/// What a parameter of a query may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParamKind {
    /// Any text.
    Text,
    /// `true` or `false`.
    Truth,
    /// A whole number in this range.
    Number(i64, i64),
    /// One of these.
    OneOf(&'static [&'static str]),
}

/// One thing that can be asked of the API.
pub struct Route {
    /// Its method.
    pub method: Method,
    /// Its path, behind [`PREFIX`].
    pub path: &'static str,
    /// What whoever asks has to be allowed.
    pub permission: Permission,
    /// What else.
    pub also: &'static [Permission],
    /// What it does.
    pub summary: &'static str,
    /// The parameters of its query.
    pub query: &'static [Param],
    /// The schema of its body, if it takes one.
    pub takes: Option<&'static str>,
    /// The status of its answer.
    pub status: u16,
    /// The schema of its answer, if it has a body.
    pub gives: Option<&'static str>,
    /// Whether what it is about has a version: an answer tells it in `ETag`, a change minds `If-Match`.
    pub versioned: bool,
    /// Whether its body may be a large one.
    pub large: bool,
    handler: Handler,
}

impl Route {
    /// All that whoever asks has to be allowed.
    pub fn permissions(&self) -> Vec<Permission> {
        [&[self.permission], self.also].concat()
    }

    const fn new(
        method: Method,
        path: &'static str,
        permission: Permission,
        summary: &'static str,
        handler: Handler,
    ) -> Route {
        Route {
            method,
            path,
            permission,
            also: &[],
            summary,
            query: &[],
            takes: None,
            status: 204,
            gives: None,
            versioned: false,
            large: false,
            handler,
        }
    }

    const fn and(mut self, also: &'static [Permission]) -> Route {
        self.also = also;
        self
    }

    const fn query(mut self, query: &'static [Param]) -> Route {
        self.query = query;
        self
    }

    const fn takes(mut self, schema: &'static str) -> Route {
        self.takes = Some(schema);
        self
    }

    const fn gives(mut self, status: u16, schema: &'static str) -> Route {
        self.status = status;
        self.gives = Some(schema);
        self
    }

    const fn versioned(mut self) -> Route {
        self.versioned = true;
        self
    }

    const fn large(mut self) -> Route {
        self.large = true;
        self
    }
}
