//! What of a scope a user gets. The rules of the application are read only where they have a say.

use signet_protocol::{
    application::ActiveApplication,
    authorize::{self, AuthorizationRequest},
    id::AppId,
    resource::{UserCase, UserScope},
    session::Session,
    user::User,
};

use crate::{Signet, edge::Edge, error::Failure};

/// Decides by the rules of `application`.
pub async fn decide(signet: &Signet, application: AppId, case: &UserCase<'_>) -> Result<UserScope, Failure> {
    match case.without_rules() {
        Some(scope) => Ok(scope),
        None => Ok(case.decide(&*signet.store().permissions(application).await?)?),
    }
}

/// What of a request at the authorization endpoint the user of `session` has, whose browser this is.
pub async fn of_request(
    signet: &Signet,
    edge: &Edge,
    request: &AuthorizationRequest,
    application: &ActiveApplication,
    (session, user): (&Session, &User),
) -> Result<UserScope, Failure> {
    let case = UserCase {
        scope: &authorize::granted_scope(request, application),
        api: request.resource.as_deref(),
        narrowed: false,
        user,
        settings: &*signet.store().pool_settings().await?,
        ip: Some(edge.peer),
        amr: session.amr,
        now: signet.now().timestamp(),
    };
    decide(signet, application.id, &case).await
}
