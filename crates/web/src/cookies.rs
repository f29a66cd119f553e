//! Cookies: host-only, `HttpOnly` but for one, and under https `Secure` with the `__Host-` prefix.

use http::{HeaderMap, HeaderValue, header::COOKIE};
use signet_protocol::{
    application::Application,
    id::AppId,
    limits::{COOKIES_BYTES, COOKIES_COUNT},
};

/// The browser itself: ties transactions and forms to it before anybody has signed in.
pub const BROWSER: &str = "signet_browser";
/// A login to the console. It comes back from pages of this host alone.
pub const CONSOLE: &str = "signet_console";
/// The language that was chosen at the console.
pub const LANG: &str = "signet_lang";
/// A browser that has signed in before: its failures are counted apart from those of strangers.
pub const DEVICE: &str = "signet_device";
/// A login that an operator tries, until its answer comes back.
pub const TRIAL: &str = "signet_trial";
const SESSION: &str = "signet_session";
const STATE: &str = "signet_state";

/// The name of the session cookie of `application`: one for the single sign-on list, one for each application outside it,
/// so that applications that share a host do not share a login.
pub fn session_name(application: &Application) -> String {
    session_name_for((!application.settings.sso).then_some(application.id))
}

/// The same by what the session is limited to.
pub fn session_name_for(only: Option<AppId>) -> String {
    only.map_or_else(|| SESSION.to_owned(), |id| format!("{SESSION}_{id}"))
}

/// The name of the cookie by which scripts of this host see whether the session changed (OpenID Connect Session Management
/// §3.2), for a session by what it is limited to. The script of `check_session_iframe` knows how it is made.
pub fn state_name_for(only: Option<AppId>) -> String {
    only.map_or_else(|| STATE.to_owned(), |id| format!("{STATE}_{id}"))
}

/// The cookies of a request, and how to set them on this server.
#[derive(Clone)]
pub struct Cookies {
    https: bool,
    pairs: Vec<(String, String)>,
}

impl Cookies {
    /// Reads the `Cookie` headers. Of cookies with one name the first counts; absurdly long headers count as none.
    pub fn read(headers: &HeaderMap, https: bool) -> Cookies {
        let text: Vec<&str> =
            headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok()).collect();
        let mut pairs: Vec<(String, String)> = Vec::new();
        if text.iter().map(|part| part.len()).sum::<usize>() <= COOKIES_BYTES {
            let each =
                text.iter().flat_map(|part| part.split(';')).filter_map(|pair| pair.trim().split_once('='));
            pairs.extend(each.take(COOKIES_COUNT).map(|(name, value)| (name.to_owned(), value.to_owned())));
        }
        Cookies { https, pairs }
    }

    /// The value of `name`.
    pub fn get(&self, name: &str) -> Option<&str> {
        let full = self.full_name(name);
        self.pairs.iter().find(|(own, _)| *own == full).map(|(_, value)| value.as_str())
    }

    /// The values of all session cookies, each with the application its name limits it to.
    pub fn sessions(&self) -> impl Iterator<Item = (Option<AppId>, &str)> {
        let prefix = self.full_name(SESSION);
        self.pairs.iter().filter_map(move |(name, value)| match name.strip_prefix(&prefix)? {
            "" => Some((None, value.as_str())),
            rest => Some((Some(AppId::parse(rest.strip_prefix('_')?)?), value.as_str())),
        })
    }

    /// A `Set-Cookie` for `name`. `max_age` in seconds; `None` lasts as long as the browser.
    pub fn set(&self, name: &str, value: &str, max_age: Option<i64>) -> Option<HeaderValue> {
        let site = if self.https { "None; Secure" } else { "Lax" };
        let age = max_age.map(|seconds| format!("; Max-Age={seconds}")).unwrap_or_default();
        let text = format!("{}={value}; Path=/; HttpOnly; SameSite={site}{age}", self.full_name(name));
        HeaderValue::from_str(&text).ok()
    }

    /// A `Set-Cookie` for `name` whose value scripts of this host may read.
    pub fn set_readable(&self, name: &str, value: &str, max_age: Option<i64>) -> Option<HeaderValue> {
        let closed = self.set(name, value, max_age)?;
        HeaderValue::from_str(&closed.to_str().ok()?.replace("; HttpOnly", "")).ok()
    }

    /// A `Set-Cookie` for `name` that no request from another site carries, for as long as the browser is open.
    pub fn set_strict(&self, name: &str, value: &str, max_age: Option<i64>) -> Option<HeaderValue> {
        let secure = if self.https { "; Secure" } else { "" };
        let age = max_age.map(|seconds| format!("; Max-Age={seconds}")).unwrap_or_default();
        let text =
            format!("{}={value}; Path=/; HttpOnly; SameSite=Strict{secure}{age}", self.full_name(name));
        HeaderValue::from_str(&text).ok()
    }

    /// A `Set-Cookie` that removes `name`.
    pub fn remove(&self, name: &str) -> Option<HeaderValue> {
        self.set(name, "", Some(0))
    }

    /// `name` as the browser has it.
    pub fn full_name(&self, name: &str) -> String {
        full_name(name, self.https)
    }
}

/// A name as a browser has it.
pub fn full_name(name: &str, https: bool) -> String {
    if https { format!("__Host-{name}") } else { name.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cookies(header: &str, https: bool) -> Cookies {
        let mut headers = HeaderMap::new();
        headers.insert(COOKIE, HeaderValue::from_str(header).unwrap());
        Cookies::read(&headers, https)
    }

    #[test]
    fn under_https_only_prefixed_cookies_count() {
        let shown = cookies("signet_browser=evil; __Host-signet_browser=good", true);
        assert_eq!(shown.get(BROWSER), Some("good"));
        assert_eq!(cookies("signet_browser=x", true).get(BROWSER), None);
        let set = shown.set(BROWSER, "v", None).unwrap();
        assert_eq!(set, "__Host-signet_browser=v; Path=/; HttpOnly; SameSite=None; Secure");
    }

    #[test]
    fn on_plain_http_cookies_are_lax() {
        let shown = cookies("signet_browser=a; signet_browser=b", false);
        assert_eq!(shown.get(BROWSER), Some("a"));
        assert_eq!(
            shown.set(DEVICE, "v", Some(60)).unwrap(),
            "signet_device=v; Path=/; HttpOnly; SameSite=Lax; Max-Age=60"
        );
    }

    #[test]
    fn what_scripts_may_read_is_as_closed_otherwise() {
        let shown = cookies("", true);
        assert_eq!(
            shown.set_readable(STATE, "v", Some(60)).unwrap(),
            "__Host-signet_state=v; Path=/; SameSite=None; Secure; Max-Age=60"
        );
    }

    #[test]
    fn session_cookies_name_the_application_they_are_limited_to() {
        let id = AppId::parse("0123456789abcdef01234567").unwrap();
        let header = "signet_session=a; signet_session_0123456789abcdef01234567=b; signet_session_x=c; signet_sessions=d";
        let shown = cookies(header, false);
        let found: Vec<_> = shown.sessions().collect();
        assert_eq!(found, [(None, "a"), (Some(id), "b")]);
        assert_eq!(session_name_for(Some(id)), "signet_session_0123456789abcdef01234567");
    }

    #[test]
    fn attack_21_long_headers_count_as_none_and_of_many_cookies_the_first() {
        let read = |header: String| cookies(&header, false).get(BROWSER).map(str::to_owned);
        let front = "signet_browser=x; a=";
        let long = |bytes: usize| format!("{front}{}", "y".repeat(bytes - front.len()));
        assert_eq!(read(long(COOKIES_BYTES)).as_deref(), Some("x"));
        assert_eq!(read(long(COOKIES_BYTES + 1)), None);
        let behind = |others: usize| format!("{}signet_browser=x", "a=b;".repeat(others));
        assert_eq!(read(behind(COOKIES_COUNT - 1)).as_deref(), Some("x"));
        assert_eq!(read(behind(COOKIES_COUNT)), None);
    }
}
