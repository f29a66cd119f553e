//! What single values must look like, where the protocol's vocabulary has no type for them.

use signet_protocol::{
    jose::unb64,
    redirect_uri::{RedirectUri, Scheme},
    said::Pair,
    secret::Secret,
    user_field::is_date,
};

use signet_store::SEALED;

use crate::outbound::Target;

type Checked = Result<(), Pair>;

fn require(good: bool, otherwise: Pair) -> Checked {
    if good { Ok(()) } else { Err(otherwise) }
}

/// An application's name.
pub fn name(text: &str) -> Result<String, Pair> {
    let good = (1..=100).contains(&text.chars().count()) && !text.chars().any(char::is_control);
    let clean = require(
        good,
        Pair("must be 1 to 100 characters without control characters", "须为 1 到 100 个字符，不含控制字符"),
    );
    clean.map(|()| text.to_owned())
}

/// A text of one line.
pub fn line(text: &str) -> Checked {
    let good = text.len() <= 1000 && !text.chars().any(char::is_control);
    require(
        good,
        Pair("must be at most 1000 bytes, without control characters", "最多 1000 字节，不含控制字符"),
    )
}

/// A text that may have several lines.
pub fn lines(text: &str) -> Checked {
    let good = text.len() <= 1000 && !text.chars().any(|c| c.is_control() && c != '\n');
    require(
        good,
        Pair(
            "must be at most 1000 bytes, without control characters other than line breaks",
            "最多 1000 字节，除换行外不含控制字符",
        ),
    )
}

/// Whether a text is one line of at most `most` characters.
pub fn is_short(text: &str, most: usize) -> bool {
    text.chars().count() <= most && !text.chars().any(char::is_control)
}

/// The code of a role or group: like a line, but not empty, since a list has no use for nothing.
pub fn role(text: &str) -> Result<String, Pair> {
    let good = (1..=200).contains(&text.len()) && !text.chars().any(char::is_control);
    require(
        good,
        Pair("must be 1 to 200 bytes without control characters", "须为 1 到 200 字节，不含控制字符"),
    )
    .map(|()| text.to_owned())
}

/// A link in a profile. Other schemes could carry script into a page that shows it (attack 3).
pub fn link(text: &str) -> Checked {
    let scheme = text.starts_with("https://") || text.starts_with("http://");
    let good = scheme && text.len() <= 2048 && !text.chars().any(|c| c.is_whitespace() || c.is_control());
    require(
        good,
        Pair(
            "must be an http:// or https:// URL of at most 2048 bytes",
            "须为不超过 2048 字节的 http:// 或 https:// URL",
        ),
    )
}

/// An address that Signet itself asks. Whether it may be, only the configuration tells.
pub fn fetched(text: &str) -> Checked {
    require(
        Target::parse(text).is_ok(),
        Pair(
            "must be an https:// URL of at most 2048 bytes without user and fragment",
            "须为不超过 2048 字节的 https:// URL，不含用户名和片段",
        ),
    )
}

/// What is loaded by others, or by our own pages, and must not be changed on the way.
pub fn https(text: &str) -> Checked {
    let good = RedirectUri::parse(text).is_ok_and(|uri| uri.scheme() == Scheme::Https);
    require(good, Pair("must be an https:// URL", "须为 https:// URL"))
}

/// A page that ours link to: https, so that nothing else can be opened (attack 3); unlike a callback it may have a fragment.
pub fn web_page(text: &str) -> Checked {
    let (page, fragment) = text.split_once('#').unwrap_or((text, ""));
    let good = https(page).is_ok() && text.len() <= 2048 && fragment.bytes().all(|b| b.is_ascii_graphic());
    require(
        good,
        Pair("must be an https:// URL of at most 2048 bytes", "须为不超过 2048 字节的 https:// URL"),
    )
}

/// An origin as browsers send it (RFC 6454 §6.2): scheme, host, and a port only where it is not the scheme's own.
pub fn origin(text: &str) -> Result<String, Pair> {
    let uri = RedirectUri::parse(text).ok().filter(|uri| uri.scheme() != Scheme::Private);
    let whole = uri.is_some_and(|uri| uri.origin() == text);
    require(
        whole,
        Pair(
            "must be an origin: scheme://host[:port] in lower case, without a path",
            "须为源：scheme://host[:port]，小写，不带路径",
        ),
    )?;
    let own = text.starts_with("https://") && text.ends_with(":443")
        || text.starts_with("http://") && text.ends_with(":80");
    require(
        !own,
        Pair("must leave out its scheme's own port, as browsers do", "须省略协议的默认端口，与浏览器一致"),
    )?;
    Ok(text.to_owned())
}

/// A secret in a file.
#[derive(Clone, Debug)]
pub enum SecretEntry {
    /// Itself.
    Plain(Secret),
    /// As `signet export` wrote it, for an installation with the same master key.
    Sealed(String),
}

impl SecretEntry {
    /// Reads one.
    ///
    /// # Errors
    /// What it must be.
    pub fn parse(text: &str) -> Result<SecretEntry, Pair> {
        match text.strip_prefix(SEALED) {
            Some(rest) => require(
                unb64(rest).is_some(),
                Pair("is sealed, and was changed since; export it again", "已封存，但此后被改动；请重新导出"),
            )
            .map(|()| SecretEntry::Sealed(text.to_owned())),
            None => secret(text).map(SecretEntry::Plain),
        }
    }
}

/// A client secret somebody chose: long enough that guessing it is hopeless, and of what every client library can send
/// (RFC 6749 appendix A.2).
pub fn secret(text: &str) -> Result<Secret, Pair> {
    let good = (32..=256).contains(&text.len()) && text.bytes().all(|b| (0x20..=0x7e).contains(&b));
    require(good, Pair("must be 32 to 256 printable ASCII characters", "须为 32 到 256 个可打印 ASCII 字符"))
        .map(|()| Secret::new(text))
}

/// A day (OpenID Connect Core §5.1).
pub fn birthdate(text: &str) -> Checked {
    require(is_date(text), Pair("must be a date as YYYY-MM-DD", "须为日期，格式为 YYYY-MM-DD"))
}
