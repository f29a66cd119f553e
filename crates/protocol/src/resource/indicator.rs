//! `resource`: the one API that a token is for (RFC 8707 §2).

use super::ApiIdentifier;
use crate::{
    error::{ErrorCode, Refusal, refuse},
    params::RawParams,
};

/// The parameter, which alone may be there more than once in a request that is read, so that it is refused by its own code.
pub const RESOURCE: &str = "resource";

pub(crate) const ONE_API: Refusal = refuse(
    ErrorCode::InvalidTarget,
    "resource is given more than once; a token is for one API, so ask for a token for each",
);

pub(super) const UNKNOWN_API: Refusal = refuse(
    ErrorCode::InvalidTarget,
    "resource is not the api_identifier of any resource of the application or the pool",
);

const OTHER_API: Refusal = refuse(
    ErrorCode::InvalidTarget,
    "resource is not the one that the user was signed in for; leave it out, or sign the user in with the other",
);

/// The API that a request names. Of several none is taken: an item may mean one thing in one API and another in the next,
/// and the token could not say which.
pub fn indicated(params: &RawParams) -> Result<Option<&str>, Refusal> {
    if params.repeats(RESOURCE) { Err(ONE_API) } else { Ok(params.get(RESOURCE)) }
}

/// The API of one token from a grant for `granted`: no other; from a grant for none in particular, the one that is `asked`.
pub fn narrowed<'a>(
    granted: Option<&'a ApiIdentifier>,
    asked: Option<&'a str>,
) -> Result<Option<&'a str>, Refusal> {
    match (granted.map(ApiIdentifier::as_str), asked) {
        (Some(granted), Some(asked)) if granted != asked => Err(OTHER_API),
        (granted, asked) => Ok(granted.or(asked)),
    }
}
