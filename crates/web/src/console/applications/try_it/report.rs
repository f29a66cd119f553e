//! What came of a trial, as a page.

use askama::Template;
use http::StatusCode;
use signet_protocol::{
    issuer::Issuer,
    params::encode_pairs,
    time::{Seconds, Timestamp},
};

use super::{TryWords, say, tried};
use crate::{
    console::{
        Answer, Ask, Section,
        applications::frame::{Frame, Tab},
        missing, moment,
        shell::Shell,
        words::{Words, fill},
    },
    manage::try_it::{self, Exchange, Kind, Place, Report, Said, Step},
};

#[derive(Template)]
#[template(path = "console/applications/try_it/report.html")]
struct ReportPage {
    shell: Shell,
    frame: Frame,
    report: Report,
    place: Place,
    /// Where whoever signed in can be signed out again.
    sign_out: Option<String>,
    now: Timestamp,
}

impl ReportPage {
    fn t(&self) -> &'static TryWords {
        TryWords::of(self.shell.lang)
    }

    fn say(&self, said: &Said) -> &'static str {
        say(said, self.shell.lang)
    }

    /// A text whose words between backticks are names, which are marked.
    fn parts(&self, said: &Said) -> Vec<(bool, &'static str)> {
        self.say(said).split('`').enumerate().map(|(at, part)| (at % 2 == 1, part)).collect()
    }

    /// How it ended, and whether that is good.
    fn verdict(&self) -> (bool, String) {
        let (t, (count, failed)) = (self.t(), self.report.count());
        match self.report.refused() {
            Some(refused) => (false, fill(t.refused, &refused.error)),
            None if failed > 0 => (false, fill(t.some_failed, failed)),
            None => (true, fill(t.all_passed, count)),
        }
    }

    fn kind(&self, kind: Kind) -> &'static str {
        match kind {
            Kind::Id => self.t().id_token,
            Kind::Access => self.t().access_token,
            Kind::UserInfo => self.t().user_info,
        }
    }

    /// A moment in words: when, and how far from now.
    fn when(&self, at: &Timestamp) -> String {
        let (t, distance) = (self.t(), at.0.saturating_sub(self.now.0));
        let far = span(t, Seconds(distance.saturating_abs()));
        format!("{} · {}", moment(*at), fill(if distance <= 0 { t.ago } else { t.ahead }, far))
    }

    /// Whether a step is worth its space at once: not the documents that every trial reads.
    fn is_open(&self, step: &Step) -> bool {
        let document = |exchange: &Exchange| exchange.url.contains("/.well-known/");
        !step.passed() || !step.exchange.as_ref().is_some_and(document)
    }
}

/// A length of time by its largest unit.
fn span(t: &'static TryWords, length: Seconds) -> String {
    let units = [(86_400, t.days), (3600, t.hours), (60, t.minutes)];
    let fits = units.into_iter().find(|(seconds, _)| length.0 >= 2 * seconds);
    let (seconds, text) = fits.unwrap_or((1, t.seconds));
    fill(text, length.0 / seconds)
}

/// The page of a report. `signed_in`: a browser signed in at this issuer for it.
pub async fn page(ask: &Ask, report: Report, (place, signed_in): (Place, Option<&Issuer>)) -> Answer {
    let frame = Frame::of(ask, Tab::Try).await?;
    let id = frame.application.id.to_string();
    let sign_out = signed_in.map(|issuer| {
        let query = encode_pairs([("client_id", id.as_str())].into_iter());
        format!("{}?{query}", issuer.endpoint("/session/end"))
    });
    let now = ask.signet.now().timestamp();
    let shell = ask.shell(Section::Applications);
    ask.page(StatusCode::OK, &ReportPage { shell, frame, report, place, sign_out, now })
}

/// POST `/console/applications/{app}/try/revoke`: takes back what a trial gave.
pub async fn revoke(ask: Ask) -> Answer {
    let id = ask.app_id().ok_or_else(missing)?;
    let application = ask.signet.store().application(id).await?.ok_or_else(missing)?;
    let place = ask.form.get("place").and_then(Place::parse).ok_or_else(missing)?;
    let token = ask.form.get("token").ok_or_else(missing)?;
    let tried = tried(&ask, &application, place);
    let report = try_it::revoke(&ask.signet, &tried, token, &ask.edge.request_id).await?;
    page(&ask, report, (place, None)).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::Lang;

    #[test]
    fn lengths_are_told_by_a_unit_that_says_enough() {
        for (seconds, en, zh) in [
            (0, "0 s", "0 秒"),
            (119, "119 s", "119 秒"),
            (120, "2 min", "2 分钟"),
            (3600, "60 min", "60 分钟"),
            (7200, "2 h", "2 小时"),
            (2_592_000, "30 d", "30 天"),
        ] {
            assert_eq!(span(TryWords::of(Lang::En), Seconds(seconds)), en);
            assert_eq!(span(TryWords::of(Lang::Zh), Seconds(seconds)), zh);
        }
    }
}
