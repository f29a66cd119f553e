//! What happens next with a checked request: a page, an answer or a refusal.

use crate::{
    access::NOT_ADMITTED,
    application::{ActiveApplication, GrantType},
    authorize::AuthorizationRequest,
    claims::{gives, is_user_claim},
    consent::Consent,
    error::{ErrorCode, Refusal, refuse},
    id::UserId,
    pool::PoolSettings,
    scope::{KnownScope, Scope},
    session::Session,
    time::{Seconds, Timestamp},
    transaction::Chosen,
};

/// What is known of the browser and the person.
#[derive(Clone, Copy, Debug)]
pub struct Situation<'a> {
    /// The time.
    pub now: Timestamp,
    /// The browser's session, if it serves this application and its user may sign in.
    pub session: Option<&'a Session>,
    /// Whether the application's rules admit the user of that session.
    pub admitted: bool,
    /// The session chosen in this transaction.
    pub chosen: Option<Chosen>,
    /// The answer to the consent page of this transaction. A yes counts only for the chosen session, whose user gave it.
    pub answer: Option<bool>,
    /// What the pool adds to the built-in scopes and claims.
    pub pool: &'a PoolSettings,
    /// What the user agreed to earlier.
    pub remembered: Option<&'a Consent>,
    /// The users of whom it must be one: of a verified `id_token_hint`, or of a `sub` asked for by value.
    pub expected: Option<&'a [UserId]>,
}

/// What happens next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// Show the login page.
    SignIn {
        /// Somebody is signed in, but the application wants it proved again.
        again: bool,
    },
    /// Ask whether to go on with the account that is signed in.
    ChooseAccount,
    /// Show the consent page.
    AskConsent,
    /// Answer with what was asked for.
    Issue {
        /// What is granted.
        scope: Scope,
    },
    /// Tell the application why not.
    Refuse(Refusal),
}

/// How long a login satisfies the `max_age` of the request it was made for, however short that is.
const PATIENCE: Seconds = Seconds(300);

/// What of the requested scope can be granted: `offline_access` only to an application with the `refresh_token` mode that
/// asks for a code, which alone leads to a refresh token, with `prompt=consent` unless it need not (OpenID Connect Core §11).
pub fn granted_scope(request: &AuthorizationRequest, application: &ActiveApplication) -> Scope {
    let refreshable = request.response_type.gives_code() && application.allows_grant(GrantType::RefreshToken);
    let asks = request.prompt.consent || application.settings.offline_access_without_consent;
    if asks && refreshable { request.scope.clone() } else { request.scope.without(KnownScope::OfflineAccess) }
}

/// What the user has to allow: the scope that can be granted, and the claims asked for one by one that it does not give.
pub fn asked_consent(
    request: &AuthorizationRequest,
    application: &ActiveApplication,
    pool: &PoolSettings,
) -> Consent {
    let scope = granted_scope(request, application);
    let more = request.claims.names().filter(|name| is_user_claim(name, pool) && !gives(&scope, name, pool));
    Consent { claims: more.map(str::to_owned).collect(), scope }
}

/// Decides (OpenID Connect Core §3.1.2.3 and §3.1.2.4).
pub fn decide(request: &AuthorizationRequest, application: &ActiveApplication, at: &Situation<'_>) -> Next {
    let next = interaction(request, application, at);
    if !request.prompt.none {
        return next;
    }
    match next {
        Next::SignIn { .. } => silent(refuse(
            ErrorCode::LoginRequired,
            "nobody is signed in as asked, and prompt=none forbids asking; send the request again without it",
        )),
        Next::ChooseAccount => silent(refuse(
            ErrorCode::AccountSelectionRequired,
            "an account has to be chosen, and prompt=none forbids asking; send the request again without it",
        )),
        Next::AskConsent => silent(refuse(
            ErrorCode::ConsentRequired,
            "the user has not consented yet, and prompt=none forbids asking; send the request again without it",
        )),
        other => other,
    }
}

/// A page is needed and may not be shown.
fn silent(refusal: Refusal) -> Next {
    Next::Refuse(refusal.by("prompt_none", "OpenID Connect Core §3.1.2.6"))
}

fn interaction(request: &AuthorizationRequest, application: &ActiveApplication, at: &Situation<'_>) -> Next {
    if at.answer == Some(false) {
        return Next::Refuse(
            refuse(ErrorCode::AccessDenied, "the user did not consent")
                .by("consent", "OpenID Connect Core §3.1.2.4"),
        );
    }
    let Some(session) = at.session else {
        return Next::SignIn { again: false };
    };
    let chosen = at.chosen.filter(|chosen| chosen.session == session.id);
    let just_signed_in = chosen.is_some_and(|chosen| chosen.by_login);
    let age = at.now.since(session.auth_time);
    let too_old = request.max_age.is_some_and(|allowed| match just_signed_in {
        // Whoever signed in for this very request gets the time to read the pages that follow.
        true => age > allowed.max(PATIENCE),
        false => age > allowed || allowed.0 == 0,
    });
    if too_old || (request.prompt.login && !just_signed_in) {
        return Next::SignIn { again: true };
    }
    if let Some(refusal) = unfit(request, session, at) {
        return if just_signed_in { Next::Refuse(refusal) } else { Next::SignIn { again: true } };
    }
    // Chosen, but no longer the browser's: somebody else signed in beside it, in another tab.
    let replaced = at.chosen.is_some();
    if (request.prompt.select_account || replaced) && chosen.is_none() {
        return Next::ChooseAccount;
    }
    if !at.admitted {
        return Next::Refuse(NOT_ADMITTED);
    }
    let allowed = at.answer == Some(true) && chosen.is_some();
    consent(request, application, at, allowed)
}

/// Why another login is needed, whatever its age: of somebody else, or of another kind.
fn unfit(request: &AuthorizationRequest, session: &Session, at: &Situation<'_>) -> Option<Refusal> {
    if at.expected.is_some_and(|expected| !expected.contains(&session.user)) {
        return Some(refuse(
            ErrorCode::LoginRequired,
            "somebody other than the user of id_token_hint, or of the sub that claims asks for, signed in",
        )
        .by("expected_user", "OpenID Connect Core §3.1.2.2"));
    }
    let needed = request.claims.needed_acr()?;
    let reached = session.amr.acr().is_some_and(|acr| needed.contains(&acr));
    (!reached).then_some(
        refuse(ErrorCode::UnmetAuthenticationRequirements, "the login is not of an acr that claims demands")
            .by("acr", "OpenID Connect Core §5.5.1.1"),
    )
}

fn consent(
    request: &AuthorizationRequest,
    application: &ActiveApplication,
    at: &Situation<'_>,
    allowed: bool,
) -> Next {
    let asked = asked_consent(request, application, at.pool);
    let agreed = at.remembered.is_some_and(|earlier| earlier.covers(&asked, at.pool));
    let ask = request.prompt.consent || !(application.settings.skip_consent || agreed);
    if ask && !allowed { Next::AskConsent } else { Next::Issue { scope: asked.scope } }
}
