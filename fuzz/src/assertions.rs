//! What a client signs: assertions and request objects; and the addresses it has fetched.

use std::net::SocketAddr;

use aws_lc_rs::hmac;
use signet_protocol::{
    application::{ActiveApplication, AuthMethod, RequestObjectAlg},
    authorize::request_object::{Around, Carried, carried},
    client_assertion::{ASSERTION_EXPIRE_MAX, JWT_BEARER, asserted},
    client_auth::{INVALID_CLIENT, presented},
    client_token::CLIENT_SKEW,
    issuer::{BaseUrl, Issuer, IssuerId, Site},
    jose::b64,
    params::{RawParams, encode_pairs},
    request_uri::{self, RequestUri},
    time::Timestamp,
};
use signet_web::outbound::{Allow, Opened, Target};

use crate::{
    client::{application, application_with},
    first_line, utf8,
};

const SECRET: &str = "an application secret of enough bytes";
const NOW: Timestamp = Timestamp(1_800_000_000);

fn issuer() -> Issuer {
    let pool = application(SECRET).pool;
    Issuer::at(&BaseUrl::parse("https://id.example.com").unwrap(), &Site::Pool, pool, IssuerId::Pool(pool))
}

/// A token of any header and claims, keyed by the secret.
fn keyed(header: &str, claims: &str) -> String {
    let input = format!("{}.{}", b64(header.as_bytes()), b64(claims.as_bytes()));
    let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
    format!("{input}.{}", b64(hmac::sign(&key, input.as_bytes()).as_ref()))
}

/// The text as an assertion, which nobody signed, and the first line as header and the rest as claims of one that is rightly
/// keyed. The first never authenticates; the second only for a short time.
pub fn assertion(data: &[u8]) {
    let Some(text) = utf8(data) else { return };
    assert!(!authenticates(text, NOW), "nobody signed it");
    let (header, claims) = first_line(text);
    let token = keyed(header, claims);
    if authenticates(&token, NOW) {
        let later = NOW.plus(ASSERTION_EXPIRE_MAX).plus(CLIENT_SKEW).plus(CLIENT_SKEW);
        assert!(!authenticates(&token, later), "it is good for ten minutes");
        let value: serde_json::Value = serde_json::from_str(claims).unwrap();
        assert_eq!(value["iss"], value["sub"]);
        assert!(value["jti"].as_str().is_some_and(|jti| !jti.is_empty()));
    }
}

fn authenticates(text: &str, now: Timestamp) -> bool {
    let form = [("client_assertion_type", JWT_BEARER), ("client_assertion", text)];
    let Ok(params) = RawParams::parse(encode_pairs(form.into_iter()).as_bytes()) else { return false };
    let Ok(shown) = presented(&params, None) else { return false };
    let own = application(SECRET);
    assert!(
        asserted(Some(own.clone()), &shown, |_| AuthMethod::PrivateKeyJwt)
            .and_then(|asserted| asserted
                .verify(None, &issuer(), now)
                .map_err(|error| error.told(INVALID_CLIENT)))
            .is_err(),
        "there are no keys"
    );
    let by_secret = asserted(Some(own), &shown, |_| AuthMethod::ClientSecretJwt);
    by_secret.is_ok_and(|asserted| asserted.verify(None, &issuer(), now).is_ok())
}

/// The first line as the query around an object, and the rest as the object itself and as the claims of one that is rightly
/// keyed or unsigned. What comes out is the client's, carries no other object, and can be kept.
pub fn request_object(data: &[u8]) {
    let Some(text) = utf8(data) else { return };
    let (query, claims) = first_line(text);
    let unsigned = application_with(SECRET, |settings| {
        settings.request_object_signing_alg = Some(RequestObjectAlg::None);
    });
    let strict = application_with(SECRET, |settings| settings.require_signed_request_object = true);
    let own = application(SECRET);
    let query = format!("client_id={}&{query}", own.id);
    let Ok(params) = RawParams::parse(query.as_bytes()) else { return };
    if params.duplicate() {
        assert_eq!(carried(&params, &own), Ok(Carried::Nothing));
        return;
    }
    let none = format!("{}.{}.", b64(br#"{"alg":"none"}"#), b64(claims.as_bytes()));
    let signed = keyed(r#"{"alg":"HS256"}"#, claims);
    assert!(resolve(&params, &own, claims).is_none(), "nobody signed it");
    assert!(resolve(&params, &own, &none).is_none() && resolve(&params, &strict, &none).is_none());
    let read = [resolve(&params, &own, &signed), resolve(&params, &unsigned, &none)];
    assert_eq!(read[0], read[1], "a signature says nothing about the content");
    if let Some(alone) = resolve(&params, &strict, &signed) {
        let whole = read[0].as_ref().unwrap();
        assert!(alone.pairs().all(|(name, value)| whole.pairs().any(|pair| pair == (name, value))));
    }
}

fn resolve(params: &RawParams, application: &ActiveApplication, object: &str) -> Option<RawParams> {
    let around = Around { params, application, issuer: &issuer(), now: NOW };
    let resolved = around.resolve(object, None).ok()?;
    assert!(!resolved.has("request") && !resolved.has("request_uri") && !resolved.duplicate());
    assert_eq!(resolved.get("client_id"), Some(application.id.to_string().as_str()));
    Some(resolved)
}

/// The first line is an address, the second one is registered or an entry of what is opened. Whatever they say, nothing
/// private is spoken to unless it is opened, and only what is registered is found.
pub fn outbound(data: &[u8]) {
    let Some(text) = utf8(data) else { return };
    let (asked, other) = first_line(text);
    if let Ok(registered) = RequestUri::parse(other)
        && let Some(found) = request_uri::find(asked, std::slice::from_ref(&registered))
    {
        assert!(asked.starts_with(found.url) && found.url.starts_with(other));
        assert!(!found.url.contains('#') && !found.url.contains("/../"));
        if let (Ok(one), Ok(base)) = (Target::parse(found.url), Target::parse(other)) {
            assert_eq!((one.https, &one.host, one.port), (base.https, &base.host, base.port));
        }
    }
    let Ok(target) = Target::parse(asked) else { return };
    assert!(!target.host.is_empty() && target.path.starts_with('/') && !target.authority.contains('@'));
    let near: Vec<SocketAddr> =
        ["127.0.0.1", "10.0.0.1", "::1", "::ffff:127.0.0.1", "64:ff9b::a00:1", "fe80::1", "169.254.169.254"]
            .iter()
            .map(|ip| SocketAddr::new(ip.parse().unwrap(), target.port))
            .collect();
    let open: Allow = Opened::parse(other).into_iter().collect();
    for address in near {
        let permitted = target.permit(vec![address], &Allow::default());
        assert!(permitted.is_err(), "{address}");
        if target.permit(vec![address], &open).is_ok() {
            assert!(!matches!(Opened::parse(other), Ok(Opened::Host(host)) if host != target.host));
        }
    }
}
