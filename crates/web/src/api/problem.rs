//! What the API refuses, as problem details (RFC 9457).

use http::StatusCode;
use serde::Serialize;
use serde_json::{Value, json};
use signet_protocol::operator::Permission;
use signet_store::StoreError;

use crate::{
    hashing::Busy,
    mail::{LinkError, MailError},
    manage::{
        accounts::AccountError, audit::AuditError, authority::Forbidden, edit, keys::KeysError,
        plan::PlanError, sign_out::SignOutError, users,
    },
};

/// A kind of refusal. Its status, its name in `type` and its title.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind {
    /// The status.
    pub status: StatusCode,
    /// The end of its `type`.
    pub name: &'static str,
    /// What it is, the same each time.
    pub title: &'static str,
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $status:ident $text:literal $title:literal),+ $(,)?) => {
        $($(#[$doc])* pub const $name: Kind = Kind { status: StatusCode::$status, name: $text, title: $title };)+

        /// All of them, for the document and the tests.
        pub const KINDS: &[Kind] = &[$($name),+];
    };
}
kinds! {
    /// It cannot be read.
    MALFORMED = BAD_REQUEST "malformed" "The request cannot be read",
    /// No token, or one that is not good.
    UNAUTHORIZED = UNAUTHORIZED "unauthorized" "A valid access token is needed",
    /// The token does not allow it.
    FORBIDDEN = FORBIDDEN "insufficient-scope" "The access token does not allow this",
    /// It is not there.
    NOT_FOUND = NOT_FOUND "not-found" "There is no such thing",
    /// The path has no such method.
    METHOD = METHOD_NOT_ALLOWED "method-not-allowed" "The method is not one of this path",
    /// What it is about is not as it would have to be.
    CONFLICT = CONFLICT "conflict" "This cannot be done now",
    /// It was changed since it was looked at.
    STALE = PRECONDITION_FAILED "stale" "Somebody else changed this meanwhile",
    /// Its body is too large.
    TOO_LARGE = PAYLOAD_TOO_LARGE "too-large" "The body is too large",
    /// Its body is no JSON.
    MEDIA_TYPE = UNSUPPORTED_MEDIA_TYPE "unsupported-media-type" "The body must be JSON",
    /// It breaks rules.
    INVALID = UNPROCESSABLE_ENTITY "invalid" "The request breaks rules",
    /// Too many requests.
    TOO_MANY = TOO_MANY_REQUESTS "too-many-requests" "Too many requests",
    /// The server is at fault.
    FAILED = INTERNAL_SERVER_ERROR "failed" "The server failed",
    /// The server cannot now.
    UNAVAILABLE = SERVICE_UNAVAILABLE "unavailable" "The server cannot answer now",
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Wrong {
    /// The member or parameter; empty when it is about the whole.
    pub field: String,
    /// What is wrong and what would be right. It never holds the value of a secret.
    pub message: String,
}

/// Why a request is not answered as asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Which kind.
    pub kind: Kind,
    /// What is wrong and what to do.
    pub detail: String,
    /// What of it.
    pub errors: Box<[Wrong]>,
    /// What is missing.
    pub needs: Box<[Permission]>,
    /// The methods of the path.
    pub allowed: Option<Box<str>>,
    /// After how many seconds to come again.
    pub retry_after: Option<u32>,
}

impl Problem {
    /// A problem of this kind.
    pub fn new(kind: Kind, detail: impl Into<String>) -> Problem {
        Problem {
            kind,
            detail: detail.into(),
            errors: Box::default(),
            needs: Box::default(),
            allowed: None,
            retry_after: None,
        }
    }

    /// Something is wrong with a member or parameter.
    pub fn field(field: impl Into<String>, message: impl Into<String>) -> Problem {
        Problem::fields(vec![Wrong { field: field.into(), message: message.into() }])
    }

    /// All that is wrong with members or parameters.
    pub fn fields(errors: Vec<Wrong>) -> Problem {
        let detail = errors.first().map(|wrong| wrong.message.clone()).unwrap_or_default();
        Problem { errors: errors.into(), ..Problem::new(INVALID, detail) }
    }

    /// The thing that is named is not there.
    pub fn missing(what: &str) -> Problem {
        Problem::new(NOT_FOUND, format!("there is no such {what}"))
    }

    /// The token lacks permissions.
    pub fn lacks(needs: &[Permission]) -> Problem {
        let items: Vec<String> = needs.iter().map(|permission| permission.item()).collect();
        let detail = format!("this needs {}; ask for it, and for a rule that allows it", items.join(" and "));
        Problem { needs: needs.into(), ..Problem::new(FORBIDDEN, detail) }
    }

    /// The same, to be tried again after so many seconds.
    #[must_use]
    pub fn after(self, seconds: i64) -> Problem {
        Problem { retry_after: u32::try_from(seconds).ok(), ..self }
    }

    /// Its body.
    pub fn body(&self, request_id: &str) -> Value {
        let mut body = json!({
            "type": format!("urn:signet:problem:{}", self.kind.name),
            "title": self.kind.title,
            "status": self.kind.status.as_u16(),
            "detail": self.detail,
            "instance": format!("urn:signet:request:{request_id}"),
        });
        if let Some(members) = body.as_object_mut().filter(|_| !self.errors.is_empty()) {
            members.insert("errors".to_owned(), json!(self.errors));
        }
        body
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Problem {
        match error {
            StoreError::Busy | StoreError::Unavailable(_) => {
                let detail = "the server is at capacity or its database is away; try again in a few seconds";
                Problem::new(UNAVAILABLE, detail).after(2)
            }
            StoreError::Conflict { .. } => {
                Problem::new(CONFLICT, "somebody else was quicker; look at it again")
            }
            error => {
                tracing::error!(%error, "the store failed");
                Problem::new(FAILED, "the server failed; its log has the reason under the request's id")
            }
        }
    }
}

impl From<crate::error::Failure> for Problem {
    fn from(failure: crate::error::Failure) -> Problem {
        match failure {
            crate::error::Failure::Store(error) => error.into(),
            crate::error::Failure::Busy(_) => busy(),
            failure if failure.is_ours() => {
                tracing::error!(?failure, "the server failed");
                Problem::new(FAILED, "the server failed; its log has the reason under the request's id")
            }
            failure => Problem::new(MALFORMED, failure.refusal().description),
        }
    }
}

impl From<Busy> for Problem {
    fn from(_: Busy) -> Problem {
        busy()
    }
}

fn busy() -> Problem {
    Problem::new(UNAVAILABLE, "the server is hashing as many passwords as it can; try again in a moment")
        .after(2)
}

fn contended() -> Problem {
    Problem::new(CONFLICT, "somebody else keeps changing the same; try again in a moment").after(1)
}

fn stale() -> Problem {
    Problem::new(
        STALE,
        "it is not any more at the version that If-Match names; get it again, and then change it",
    )
}

impl From<Forbidden> for Problem {
    fn from(reason: Forbidden) -> Problem {
        Problem { needs: reason.needs().into(), ..Problem::new(FORBIDDEN, reason.to_string()) }
    }
}

impl From<PlanError> for Problem {
    fn from(error: PlanError) -> Problem {
        match error {
            PlanError::Refused(problems) => Problem::fields(
                problems
                    .into_iter()
                    .map(|problem| Wrong {
                        field: format!("line {}", problem.line),
                        message: problem.message.to_string(),
                    })
                    .collect(),
            ),
            PlanError::Busy => busy(),
            PlanError::Stale => stale(),
            PlanError::Forbidden(reason) => reason.into(),
            PlanError::Contended => contended(),
            PlanError::Store(error) => error.into(),
        }
    }
}

impl From<edit::EditError> for Problem {
    fn from(error: edit::EditError) -> Problem {
        let told = |problem: edit::FieldProblem| Wrong {
            field: problem.key.unwrap_or_default(),
            message: problem.message.to_string(),
        };
        match error {
            edit::EditError::Refused(problems) => Problem::fields(problems.into_iter().map(told).collect()),
            edit::EditError::Plan(error) => error.into(),
        }
    }
}

impl From<users::edit::EditError> for Problem {
    fn from(error: users::edit::EditError) -> Problem {
        use users::edit::EditError;
        let told = |problem: users::fields::FieldProblem| Wrong {
            field: problem.field,
            message: problem.message.to_string(),
        };
        match error {
            EditError::NoUser => Problem::missing("user"),
            EditError::Stale => stale(),
            EditError::Forbidden(reason) => reason.into(),
            EditError::Refused(problems) => Problem::fields(problems.into_iter().map(told).collect()),
            EditError::Busy => busy(),
            EditError::Contended => contended(),
            EditError::Store(error) => error.into(),
        }
    }
}

impl From<AccountError> for Problem {
    fn from(error: AccountError) -> Problem {
        let text = error.to_string();
        match error {
            AccountError::NoApplication(_) => Problem::missing("application"),
            AccountError::NoAccount(_) | AccountError::NotAnAccessKey => Problem::missing("account"),
            AccountError::Lifetime => Problem::field("token_lifetime", text),
            AccountError::Overlap => Problem::field("overlap", text),
            AccountError::Remarks(_) => Problem::field("remarks", text),
            AccountError::Changed => stale(),
            AccountError::Forbidden(reason) => reason.into(),
            AccountError::Store(error) => error.into(),
        }
    }
}

impl From<AuditError> for Problem {
    fn from(error: AuditError) -> Problem {
        match error {
            AuditError::Asked(text) => Problem::field("", text),
            AuditError::Store(error) => error.into(),
        }
    }
}

impl From<KeysError> for Problem {
    fn from(error: KeysError) -> Problem {
        let text = error.to_string();
        match error {
            KeysError::Unknown(_) => Problem::field("issuer", text),
            KeysError::NoKey => Problem::new(CONFLICT, text),
            KeysError::Store(error) => error.into(),
        }
    }
}

impl From<MailError> for Problem {
    fn from(error: MailError) -> Problem {
        match error {
            MailError::Store(error) => error.into(),
            MailError::Address => Problem::field("to", error.to_string()),
            other => Problem::new(CONFLICT, other.to_string()),
        }
    }
}

impl From<LinkError> for Problem {
    fn from(error: LinkError) -> Problem {
        match error {
            LinkError::Edit(error) => error.into(),
            LinkError::Mail(MailError::Store(error)) => error.into(),
            LinkError::Mail(error) => Problem::new(CONFLICT, error.to_string()),
        }
    }
}

impl From<SignOutError> for Problem {
    fn from(error: SignOutError) -> Problem {
        match error {
            SignOutError::NoUser(_) => Problem::missing("user"),
            SignOutError::NoApplication(_) => Problem::missing("application"),
            SignOutError::Store(error) => error.into(),
        }
    }
}
