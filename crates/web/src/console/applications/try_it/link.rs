//! The callback link of trials comes into an application's list, or goes from it: as any other, with the difference shown
//! first.

use serde_json::json;

use super::offer;
use crate::{
    console::{
        Answer, Ask, Section, missing,
        review::{Outcome, Wanted, proceed},
        words::together,
    },
    manage::{edit::Edit, try_it::callback},
};

/// POST `/console/applications/{app}/try/link`.
pub async fn link(ask: Ask) -> Answer {
    let id = ask.app_id().ok_or_else(missing)?;
    let application = ask.signet.store().application(id).await?.ok_or_else(missing)?;
    let callback = callback(&ask.signet);
    let listed = application.settings.redirect_uris.iter().map(|uri| uri.as_str());
    let mut links: Vec<&str> = listed.filter(|uri| *uri != callback).collect();
    match ask.form.get("act") {
        Some("add") => links.push(&callback),
        Some("remove") => {}
        _ => return Err(missing()),
    }
    let seen = ask.form.get("version").and_then(|text| text.parse().ok()).unwrap_or(application.version);
    let edit = Edit::application(id, seen).set("redirect_uris", &json!(links));
    let back = format!("/console/applications/{id}/try");
    let wanted = Wanted { edit, of: &application.name, section: Section::Applications, back: &back };
    match proceed(&ask, wanted).await {
        Outcome::Answered(answer) => answer,
        Outcome::Failed(alert) => offer(&ask, Some(alert)).await,
        Outcome::Refused(problems) => {
            let told = together(problems.iter().map(|problem| &problem.message), ask.lang);
            offer(&ask, Some(&told)).await
        }
    }
}
