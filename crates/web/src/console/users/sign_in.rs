//! `/console/users/{user}/sign-in`: by what somebody signs in, and whether they may.

use askama::Template;
use http::StatusCode;
use signet_protocol::{id::UserId, params::RawParams, user::User};
use signet_store::LinkState;

use super::{
    cards,
    frame::{Frame, Tab, user_id},
    words::UserWords,
};
use crate::{
    console::{
        Answer, Ask, Section,
        fields::FieldView,
        missing, moment,
        review::{Outcome, Wanted, proceed},
        shell::{Notice, Shell},
        words::{Words, fill, together},
    },
    error::Failure,
    mail::{self, LinkError, MailError},
    manage::{
        edit::{Edit, FieldProblem},
        users::{
            edit::{self, EditError},
            fields::Fields,
            link,
        },
    },
    pages::Problem,
    respond,
};

#[derive(Template)]
#[template(path = "console/users/sign_in.html")]
struct SignInPage {
    shell: Shell,
    frame: Frame,
    views: Vec<FieldView>,
    others: Vec<String>,
    alert: Option<String>,
    link: Option<String>,
    /// Whether there is a link that can be taken back.
    live: bool,
    /// Whether the keys are shown again as they were filled in.
    again: bool,
    /// Whether one can be sent: there is a mail server, and they have an address.
    mailed: bool,
    /// Where one was just sent.
    told: Option<String>,
}

#[derive(Template)]
#[template(path = "console/users/link.html")]
struct LinkPage {
    shell: Shell,
    frame: Frame,
    title: String,
    url: String,
    until: String,
}

impl SignInPage {
    fn t(&self) -> &'static UserWords {
        UserWords::of(self.shell.lang)
    }
}

impl LinkPage {
    fn t(&self) -> &'static UserWords {
        UserWords::of(self.shell.lang)
    }
}

/// GET of the page.
pub async fn show(ask: Ask) -> Answer {
    page(&ask, Shown::default()).await
}

/// What is shown besides what is stored.
#[derive(Default)]
struct Shown<'a> {
    typed: Option<&'a RawParams>,
    problems: Vec<FieldProblem>,
    alert: Option<String>,
    told: Option<String>,
}

impl Shown<'_> {
    fn alert(text: impl Into<String>) -> Self {
        Shown { alert: Some(text.into()), ..Shown::default() }
    }
}

async fn page(ask: &Ask, shown: Shown<'_>) -> Answer {
    let t: &'static UserWords = ask.words();
    let frame = Frame::of(ask, Tab::SignIn).await?;
    let stored = cards::stored(&frame.user);
    let now = ask.signet.now().timestamp();
    let link = ask.signet.store().link_of_user(frame.user.id).await?;
    let link = link.map(|link| (link.state(now), link.expires_at));
    let page = SignInPage {
        shell: ask.shell(Section::Users),
        views: cards::KEYS.views(ask.lang, &stored, shown.typed, &shown.problems, &[]),
        others: cards::KEYS.others(&shown.problems, ask.lang),
        again: shown.typed.is_some(),
        live: matches!(link, Some((LinkState::Live, _))),
        link: link.map(|(state, until)| match state {
            LinkState::Live => fill(t.link_live, moment(until)),
            LinkState::Used => t.link_used.to_owned(),
            LinkState::Expired => t.link_expired.to_owned(),
        }),
        mailed: frame.user.email.is_some() && ask.edge.pool().is_some_and(mail::is_set_up),
        frame,
        alert: shown.alert,
        told: shown.told,
    };
    ask.page(if page.alert.is_some() { StatusCode::BAD_REQUEST } else { StatusCode::OK }, &page)
}

/// POST of the keys by which they sign in.
pub async fn save(ask: Ask) -> Answer {
    let (id, user) = meant(&ask).await?;
    let edit = Edit::user(id, seen(&ask, &user));
    let edit = cards::read(&cards::KEYS, edit, &ask.form, &user);
    review(&ask, edit, &user, Some(&ask.form)).await
}

/// Shows what a change of a user does before it is made. `typed` is what the form of the keys has.
async fn review(ask: &Ask, edit: Edit, user: &User, typed: Option<&RawParams>) -> Answer {
    let back = Tab::SignIn.path(user.id);
    let wanted = Wanted { edit, of: user.display_name(), section: Section::Users, back: &back };
    match proceed(ask, wanted).await {
        Outcome::Answered(answer) => answer,
        Outcome::Refused(problems) => {
            let alert = Some(fill(ask.words::<UserWords>().problems, problems.len()));
            page(ask, Shown { typed, problems, alert, told: None }).await
        }
        Outcome::Failed(alert) => page(ask, Shown { typed, ..Shown::alert(alert) }).await,
    }
}

/// The user of the path.
async fn meant(ask: &Ask) -> Result<(UserId, User), Failure> {
    let id = user_id(ask)?;
    Ok((id, ask.signet.store().person(id).await?.ok_or_else(missing)?.user))
}

fn seen(ask: &Ask, user: &User) -> i64 {
    ask.form.get("version").and_then(|text| text.parse().ok()).unwrap_or(user.version)
}

/// POST `…/block`: they are let in no more, or again.
pub async fn block(ask: Ask) -> Answer {
    let (id, user) = meant(&ask).await?;
    let blocked = match ask.form.get("act") {
        Some("block") => true,
        Some("unblock") => false,
        _ => return Err(missing()),
    };
    let edit = Edit::user(id, seen(&ask, &user)).set("blocked", &blocked.into());
    review(&ask, edit, &user, None).await
}

/// POST `…/password`: they have the one that is typed.
pub async fn password(ask: Ask) -> Answer {
    let (id, user) = meant(&ask).await?;
    let fields = Fields::default().with("password", ask.form.get("new_password").unwrap_or_default());
    let outcome = edit::edit(&ask.signet, id, Some(seen(&ask, &user)), &fields, &ask.origin()).await;
    finish(&ask, id, outcome.map(drop)).await
}

/// POST `…/link`: a one-time link is made and shown, or taken back.
pub async fn link(ask: Ask) -> Answer {
    let t: &'static UserWords = ask.words();
    let (id, _) = meant(&ask).await?;
    if ask.form.get("act") == Some("take") {
        let taken = link::withdraw(&ask.signet, id, &ask.origin()).await;
        return finish(&ask, id, taken.map(drop)).await;
    }
    if ask.form.get("act") == Some("send") {
        return send(&ask, id).await;
    }
    match link::create(&ask.signet, id, &ask.origin()).await {
        Ok(link) => {
            let page = LinkPage {
                shell: ask.shell(Section::Users),
                frame: Frame::of(&ask, Tab::SignIn).await?,
                title: fill(t.link_shown, &link.account),
                until: moment(link.expires_at),
                url: link.url,
            };
            Ok(respond::untold(ask.page(StatusCode::OK, &page)?))
        }
        Err(EditError::Refused(_)) => page(&ask, Shown::alert(t.link_of_blocked)).await,
        Err(error) => finish(&ask, id, Err(error)).await,
    }
}

/// A link is sent, and shown to nobody here.
async fn send(ask: &Ask, user: UserId) -> Answer {
    let t: &'static UserWords = ask.words();
    let shown = match mail::send_link(&ask.signet, user, &ask.origin()).await {
        Ok(sent) => Shown { told: Some(fill(t.link_sent, sent.to)), ..Shown::default() },
        Err(LinkError::Edit(EditError::NoUser)) => return Err(missing()),
        Err(LinkError::Edit(EditError::Store(error)) | LinkError::Mail(MailError::Store(error))) => {
            return Err(error.into());
        }
        Err(LinkError::Edit(EditError::Refused(_))) => Shown::alert(t.link_of_blocked),
        Err(LinkError::Edit(_)) => Shown::alert(t.stale),
        Err(LinkError::Mail(error)) => Shown::alert(fill(t.link_not_sent, error.text(ask.lang))),
    };
    page(ask, shown).await
}

fn done(user: UserId) -> Answer {
    Ok(respond::see_other(&format!("{}?done={}", Tab::SignIn.path(user), Notice::Saved.as_str())))
}

async fn finish(ask: &Ask, user: UserId, outcome: Result<(), EditError>) -> Answer {
    let t: &'static UserWords = ask.words();
    match outcome {
        Ok(()) => done(user),
        Err(EditError::NoUser) => Err(missing()),
        Err(EditError::Forbidden(_)) => Err(Problem::Forbidden.into()),
        Err(EditError::Store(error)) => Err(error.into()),
        Err(EditError::Stale) => page(ask, Shown::alert(t.stale)).await,
        Err(EditError::Refused(problems)) => {
            let all = together(problems.iter().map(|problem| &problem.message), ask.lang);
            page(ask, Shown::alert(all)).await
        }
        Err(error) => {
            tracing::warn!(request_id = ask.edge.request_id, %error, "a user was not changed");
            page(ask, Shown::alert(t.busy)).await
        }
    }
}
