//! Plain texts: parameters, scopes, verifiers, hosts, languages, cookies.

use std::net::IpAddr;

use http::{HeaderMap, HeaderValue, header::COOKIE};
use signet_protocol::{
    claims_request::{ClaimsRequest, Wish, Wishes},
    issuer::{BaseUrl, Identifier, IssuerId, Site},
    limits::{
        CLAIMS_BYTES, CLAIMS_COUNT, COOKIES_BYTES, COOKIES_COUNT, PARAM_NAME_BYTES, PARAM_VALUE_BYTES,
        PARAMS_BYTES, PARAMS_COUNT, SCOPE_BYTES, SCOPE_COUNT,
    },
    params::{RawParams, decode},
    pkce::{ChallengeMethod, CodeChallenge, proves},
    scope::{KnownScope, Scope, ScopeValue},
    sign_in::Language,
};
use signet_web::{
    fuzzing::Cookies,
    pages::Lang,
    proxies::{ForwardedHeader, Proxies, parse_ranges},
};

use crate::{first_line, utf8};

/// Bounded, decoded once, and the same after being written and read again; `Debug` tells no value.
pub fn params(data: &[u8]) {
    let Ok(params) = RawParams::parse(data) else { return };
    assert!(data.len() <= PARAMS_BYTES && params.pairs().count() <= PARAMS_COUNT);
    for (name, value) in params.pairs() {
        assert!(name.len() <= PARAM_NAME_BYTES && value.len() <= PARAM_VALUE_BYTES);
        assert!(!name.contains('\0') && !value.contains('\0'));
        assert!(params.has(name));
    }
    let written = params.encode();
    assert!(written.bytes().all(|byte| byte.is_ascii_graphic()), "safe in a header and in a URL");
    assert!(written.len() <= 3 * data.len() + params.pairs().count());
    if written.len() <= PARAMS_BYTES {
        assert_eq!(RawParams::parse(written.as_bytes()).unwrap(), params);
    }
    let names: std::collections::BTreeSet<&str> = params.pairs().map(|(name, _)| name).collect();
    assert_eq!(params.duplicate(), names.len() < params.pairs().count());
    let named: Vec<&str> = params.pairs().map(|(name, _)| name).collect();
    assert_eq!(format!("{params:?}"), format!("{{{}}}", debugged(&named)));
    if let Ok(whole) = decode(data) {
        assert!(whole.len() <= data.len(), "decoding never grows");
    }
}

fn debugged(names: &[&str]) -> String {
    names.iter().map(|name| format!("{name:?}")).collect::<Vec<_>>().join(", ")
}

/// Every value that was asked for, each once and in order, and the same after being written and read again.
pub fn scope(data: &[u8]) {
    let Some(text) = utf8(data) else { return };
    let tokens: Vec<&str> = text.split(' ').filter(|token| !token.is_empty()).collect();
    let Ok(scope) = Scope::parse(text) else {
        let printable = tokens.iter().all(|token| token.bytes().all(|b| b.is_ascii_graphic()));
        let quoted = text.contains(['"', '\\']);
        assert!(!printable || quoted || text.len() > SCOPE_BYTES || tokens.len() > SCOPE_COUNT, "{text:?}");
        return;
    };
    assert!(text.len() <= SCOPE_BYTES && tokens.len() <= SCOPE_COUNT);
    let printed = scope.to_string();
    assert_eq!(Scope::parse(&printed).unwrap(), scope);
    let values: Vec<&str> = scope.iter().map(ScopeValue::as_str).collect();
    let mut expected: Vec<&str> = Vec::new();
    for token in tokens {
        if !expected.contains(&token) {
            expected.push(token);
        }
    }
    assert_eq!(values, expected);
    for known in KnownScope::ALL {
        assert_eq!(scope.has(*known), expected.contains(&known.as_str()));
    }
    let (built_in, others) = scope.partition(|value| matches!(value, ScopeValue::Known(_)));
    assert_eq!(
        others.iter().map(ScopeValue::as_str).collect::<Vec<_>>(),
        scope.customs().collect::<Vec<_>>()
    );
    assert_eq!(built_in.iter().count() + others.iter().count(), values.len());
}

/// Bounded, the same after being kept with a grant and read again, and no name that JSON does not have.
pub fn claims(data: &[u8]) {
    let Some(text) = utf8(data) else { return };
    let Ok(request) = ClaimsRequest::parse(text) else { return };
    assert!(text.len() <= CLAIMS_BYTES);
    assert!([&request.userinfo, &request.id_token].iter().all(|wishes| wishes.len() <= CLAIMS_COUNT));
    let kept = request.stored();
    assert_eq!(kept.is_none(), request.is_empty());
    let kept = kept.unwrap_or_else(|| "{}".to_owned());
    assert_eq!(
        serde_json::from_str::<serde_json::Value>(&kept).unwrap(),
        serde_json::to_value(&request).unwrap()
    );
    // Numbers may be written longer than they came.
    if kept.len() <= CLAIMS_BYTES {
        assert_eq!(ClaimsRequest::parse(&kept).unwrap(), request);
    }
    let demanded = |wishes: &Wishes, name| wishes.get(name).is_some_and(|wish: &Wish| wish.values.is_some());
    let subject = [&request.userinfo, &request.id_token].iter().any(|wishes| demanded(wishes, "sub"));
    assert_eq!(request.needed_subjects().is_some(), subject);
    let class = request.id_token.get("acr").is_some_and(|wish| wish.essential && wish.values.is_some());
    assert_eq!(request.needed_acr().is_some(), class);
}

/// A verifier proves its own challenge and no other.
pub fn pkce(data: &[u8]) {
    let Some(text) = utf8(data) else { return };
    let (verifier, other) = first_line(text);
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, verifier.as_bytes());
    let challenge = base64::Engine::encode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, digest);
    let challenge = CodeChallenge::parse(&challenge, ChallengeMethod::S256).expect("a hash has the form");
    let unreserved = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
    let legal = (43..=128).contains(&verifier.len()) && verifier.bytes().all(unreserved);
    assert_eq!(proves(Some(&challenge), Some(verifier)), legal);
    assert!(!proves(Some(&challenge), None) && !proves(None, Some(verifier)));
    if other != verifier {
        assert!(!proves(Some(&challenge), Some(other)));
    }
    let plain = CodeChallenge::parse(verifier, ChallengeMethod::Plain);
    assert_eq!(plain.is_some(), legal);
    if let Some(plain) = plain {
        assert_eq!(plain.value(), verifier);
        assert!(proves(Some(&plain), Some(verifier)));
        assert_eq!(proves(Some(&plain), Some(other)), other == verifier);
    }
    assert_eq!(
        ChallengeMethod::parse(text).map(ChallengeMethod::as_str),
        Some(text).filter(|_| matches!(text, "plain" | "S256"))
    );
}

/// The first line is a base URL, the second a `Host`: what it names is one of ours and leads back to the same place.
pub fn host(data: &[u8]) {
    let Some(text) = utf8(data) else { return };
    let (first, host) = first_line(text);
    if let Some(id) = IssuerId::parse(first) {
        assert_eq!(id.stored(), first);
    }
    if let Ok(label) = Identifier::parse(first) {
        assert_eq!(label.as_str(), first);
        assert!(first.len() <= 63);
    }
    let configured = BaseUrl::parse(first);
    let local = BaseUrl::parse("http://localhost:8080");
    let public = BaseUrl::parse("https://id.example.com");
    for base in [configured, local, public].into_iter().flatten() {
        let origin = base.origin(&Site::Pool);
        assert_eq!(BaseUrl::parse(&origin).unwrap(), base);
        assert_eq!(origin.starts_with("https://"), base.is_https());
        let own_host = origin.split_once("://").unwrap().1;
        assert_eq!(base.resolve(own_host), Some(Site::Pool));
        let Some(site) = base.resolve(host) else { continue };
        let resolved = base.origin(&site);
        let resolved_host = resolved.split_once("://").unwrap().1;
        assert_eq!(base.resolve(resolved_host).as_ref(), Some(&site));
        assert!(resolved_host.ends_with(own_host), "{resolved_host}");
        let bare = |text: &str| text.to_ascii_lowercase().split(':').next().unwrap_or_default().to_owned();
        assert_eq!(bare(host), bare(resolved_host));
    }
}

/// The first line is `ui_locales`, the second `Accept-Language`: any text gives a language, and always the same.
pub fn language(data: &[u8]) {
    let Some(text) = utf8(data) else { return };
    let (locales, accept) = first_line(text);
    let choose = |offered, locales| Lang::choose(offered, Some(locales), Some(accept));
    let chosen = choose(Language::ALL, locales);
    assert_eq!(chosen, choose(Language::ALL, locales));
    assert_eq!(choose(Language::ALL, chosen.tag()), chosen, "a tag of ours is understood");
    for alone in Language::ALL.chunks(1) {
        assert_eq!(choose(alone, locales), choose(alone, ""), "what is not offered is not shown");
    }
    if !text.to_ascii_lowercase().contains("zh") && !accept.contains('*') {
        assert_eq!(chosen, Lang::En);
    }
}

/// One header for each line. What is read is what was sent; under https only prefixed names count; what we set reads
/// back as it was and stays one cookie.
pub fn cookies(data: &[u8]) {
    let mut headers = HeaderMap::new();
    for value in data.split(|byte| *byte == b'\n').filter_map(|line| HeaderValue::from_bytes(line).ok()) {
        headers.append(COOKIE, value);
    }
    for https in [false, true] {
        let cookies = Cookies::read(&headers, https);
        assert!(cookies.sessions().count() <= COOKIES_COUNT);
        for (_, value) in cookies.sessions() {
            assert!(value.len() <= COOKIES_BYTES && !value.contains(';'));
        }
        let full = if https { "__Host-signet_browser" } else { "signet_browser" };
        if let Some(value) = cookies.get("signet_browser") {
            let sent = |line: &[u8]| {
                let line = String::from_utf8_lossy(line).into_owned();
                line.split(';').any(|pair| pair.trim() == format!("{full}={value}"))
            };
            assert!(data.split(|byte| *byte == b'\n').any(sent));
            if value.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b)) {
                let set = cookies.set("signet_browser", value, Some(1)).unwrap();
                let first = set.to_str().unwrap().split(';').next().unwrap().to_owned();
                let mut back = HeaderMap::new();
                back.insert(COOKIE, HeaderValue::from_str(&first).unwrap());
                assert_eq!(Cookies::read(&back, https).get("signet_browser"), Some(value));
            }
        }
    }
}

/// Whatever a client writes into the header: what our proxy adds on the right of it counts, from nobody else anything does,
/// and nobody becomes this machine.
pub fn forwarded(data: &[u8]) {
    let Ok(sent) = HeaderValue::from_bytes(data) else { return };
    let (proxy, client) = (IpAddr::from([10, 0, 0, 1]), IpAddr::from([203, 0, 113, 9]));
    let kinds = [
        (ForwardedHeader::XForwardedFor, "x-forwarded-for", "203.0.113.9"),
        (ForwardedHeader::Forwarded, "forwarded", "for=203.0.113.9;proto=https"),
    ];
    for (header, name, hop) in kinds {
        let proxies = Proxies { trusted: parse_ranges("10.0.0.0/8").unwrap(), header };
        let mut headers = HeaderMap::new();
        headers.append(name, sent.clone());
        assert_eq!(proxies.sender(client, &headers), client, "nobody else is believed");
        assert!(!proxies.sender(proxy, &headers).is_loopback());
        let mut joined = HeaderMap::new();
        joined.append(name, HeaderValue::from_bytes(&[data, b", ", hop.as_bytes()].concat()).unwrap());
        headers.append(name, HeaderValue::from_static(hop));
        assert_eq!(proxies.sender(proxy, &headers), client, "a line of its own");
        if sent.to_str().is_ok() {
            assert_eq!(proxies.sender(proxy, &joined), client, "behind a comma");
        }
    }
}
