//! A trace as a page shows it, to whom it may be shown.

use std::sync::Arc;

use signet_protocol::{
    application::Application,
    id::TraceId,
    operator::{Permission, Role},
};

use super::words::TraceWords;
use crate::{
    console::{Ask, applications::frame::own_issuer},
    error::Failure,
    manage::trace::Found,
    trace::{Fix, Trace, words},
};

/// A trace.
pub struct View {
    /// By which a person names it.
    pub reference: String,
    /// Where it stands in lists.
    pub id: TraceId,
    /// When, to the second, in UTC.
    pub at: String,
    /// Method and path.
    pub request: String,
    /// The application it is filed under: where its failures are, and its name.
    pub application: Option<(String, String)>,
    /// The rule.
    pub check: String,
    /// What the rule asks.
    pub asks: Option<&'static str>,
    /// Where that is written.
    pub clause: String,
    /// Code and sentence that the client was told.
    pub told: (String, String),
    /// What would have been right.
    pub expected: Option<String>,
    /// What was there.
    pub received: Option<String>,
    /// The issuer it was sent to.
    pub issuer: String,
    /// The name that the log has.
    pub request_id: String,
    /// What mends it, in words.
    pub fix: Option<String>,
    /// The change that mends it, if whoever looks may make it.
    pub offer: Option<Offer>,
    /// What was sent, redacted.
    pub parameters: Vec<(String, String)>,
    /// Whether something is left out.
    pub masked: bool,
}

/// A change that is offered.
pub struct Offer {
    /// Where its form goes.
    pub action: String,
    /// The version of the application that it is made of.
    pub version: i64,
    /// What to think of before.
    pub beware: Option<&'static str>,
}

/// Whether whoever asks may see a trace: who manages applications sees what is filed under theirs.
pub fn may_see(ask: &Ask, trace: &Trace) -> bool {
    let everything = ask.operator.may(Permission::OverviewRead, None);
    everything || trace.app_id.is_some_and(|id| ask.operator.administrator().sees(id))
}

/// A trace for whoever asks, who [may see it](may_see).
pub async fn view(ask: &Ask, found: Found) -> Result<View, Failure> {
    let Found { trace, id } = found;
    let application = match trace.app_id {
        Some(id) => ask.signet.store().application(id).await?,
        None => None,
    };
    let masked = ask.operator.administrator().role == Role::ApplicationManager;
    let trace = if masked { trace.for_manager(&addresses(ask, application.as_ref())) } else { trace };
    let fix = trace.fix.as_ref();
    let said = |text: &Option<String>| text.as_deref().map(|text| words::said(text, ask.lang));
    let at = trace.at.to_text().replacen('T', " ", 1);
    let named = |id: String| trace.app_name.clone().unwrap_or(id);
    Ok(View {
        id,
        at: at.get(..19).unwrap_or(&at).to_owned(),
        request: format!("{} {}", trace.method, trace.endpoint),
        application: trace
            .app_id
            .map(|id| (format!("/console/applications/{id}/failures"), named(id.to_string()))),
        asks: words::check(&trace.check, ask.lang),
        expected: said(&trace.expected),
        received: said(&trace.received),
        fix: fix.map(|fix| fix.in_words(ask.lang)),
        offer: fix.zip(application).and_then(|(fix, application)| offer(ask, fix, &application)),
        parameters: trace
            .parameters
            .into_iter()
            .map(|(name, value)| (name, words::said(&value, ask.lang)))
            .collect(),
        reference: trace.reference,
        check: trace.check,
        clause: trace.clause,
        told: (trace.error, trace.description),
        issuer: words::said(&trace.issuer, ask.lang),
        request_id: trace.request_id,
        masked,
    })
}

/// Addresses that are no secret to who manages `application`.
fn addresses(ask: &Ask, application: Option<&Arc<Application>>) -> Vec<String> {
    let own = application.map(|application| own_issuer(&ask.signet, application).url().to_owned());
    [ask.signet.pool_issuer().url().to_owned()].into_iter().chain(own).collect()
}

fn offer(ask: &Ask, fix: &Fix, application: &Application) -> Option<Offer> {
    let may = ask.operator.may(Permission::ApplicationsWrite, Some(application.id));
    if !(may && fix.is_setting()) {
        return None;
    }
    let t: &'static TraceWords = ask.words();
    let beware = match fix {
        Fix::AddRedirectUri { .. } | Fix::AddLogoutRedirectUri { .. } => Some(t.beware),
        Fix::SwitchOn { .. } => Some(t.mend_client),
        _ => None,
    };
    let action = format!("/console/applications/{}/failures", application.id);
    Some(Offer { action, version: application.version, beware })
}
