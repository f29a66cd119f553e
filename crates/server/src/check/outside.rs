//! What others see: the issuer at its public address, and the names of the applications' addresses.

use std::time::Duration;

use serde::Deserialize;
use signet_protocol::issuer::{BaseUrl, Site};
use signet_web::clock::{Clock as _, SystemClock};

use super::{
    drift,
    finding::{Finding, Findings},
    http,
};

const DISCOVERY: &str = "/oidc/.well-known/openid-configuration";
const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Deserialize)]
struct Discovery {
    issuer: String,
}

/// Asks the issuer for its discovery document the way a relying party does.
pub async fn issuer(base: &BaseUrl, findings: &mut Findings) {
    let origin = base.origin(&Site::Pool);
    if !base.is_https() && !is_loopback(base.host()) {
        findings.add(Finding::warning(
            "base URL",
            format!("{origin} is plain http: passwords and tokens can be read on their way"),
            "Use https, by --tls-certificate or a reverse proxy, and say so in --base-url.",
        ));
    }
    let url = format!("{origin}{DISCOVERY}");
    let answer = match http::get(base, DISCOVERY, PATIENCE).await {
        Ok(answer) => answer,
        Err(reason) => {
            let remedy =
                "See that the server runs, and that DNS, proxy and firewall lead to it from this machine.";
            return findings.add(Finding::problem("issuer", format!("{url}: {reason}"), remedy));
        }
    };
    if let Some(theirs) = answer.date {
        findings.add(drift("clock of the issuer", theirs, SystemClock.now().timestamp().0));
    }
    let expected = format!("{origin}/oidc");
    let discovery: Option<Discovery> = serde_json::from_slice(&answer.body).ok();
    findings.add(match discovery {
        Some(discovery) if answer.status == 200 && discovery.issuer == expected => {
            Finding::ok("issuer", format!("{expected} answers"))
        }
        Some(discovery) if answer.status == 200 => Finding::problem(
            "issuer",
            format!("{url} says it is {}, and not {expected}", discovery.issuer),
            "Give the server the same --base-url, byte for byte.",
        ),
        _ => Finding::problem(
            "issuer",
            format!("{url} answers with status {} and no discovery document", answer.status),
            "Something else answers there, or the proxy does not pass the Host header on.",
        ),
    });
}

/// Resolves the applications' own addresses.
pub async fn applications(base: &BaseUrl, identifiers: &[String], findings: &mut Findings) {
    // Browsers resolve them without DNS, many language runtimes do not: that tells nothing of the installation.
    if base.host() == "localhost" || base.host().ends_with(".localhost") {
        return;
    }
    let mut hosts: Vec<String> = identifiers.iter().map(|name| format!("{name}.{}", base.host())).collect();
    if hosts.is_empty() {
        hosts.push(format!("signet-check.{}", base.host()));
    }
    let mut unknown = Vec::new();
    for host in &hosts {
        let found = tokio::time::timeout(PATIENCE, tokio::net::lookup_host((host.as_str(), 443))).await;
        let resolved = found.is_ok_and(|found| found.is_ok_and(|mut addresses| addresses.next().is_some()));
        if !resolved {
            unknown.push(host.as_str());
        }
    }
    findings.add(match unknown.as_slice() {
        [] => Finding::ok("application addresses", format!("names below {} resolve", base.host())),
        unknown => Finding::warning(
            "application addresses",
            format!("{} of {} do not resolve: {}", unknown.len(), hosts.len(), unknown.join(", ")),
            format!(
                "Make a wildcard entry *.{} in DNS, unless applications use the pool's issuer only.",
                base.host()
            ),
        ),
    });
}

fn is_loopback(host: &str) -> bool {
    let address = host.parse::<std::net::IpAddr>();
    host == "localhost" || host.ends_with(".localhost") || address.is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_loopback_may_be_plain() {
        for (host, expected) in [
            ("localhost", true),
            ("a.localhost", true),
            ("127.0.0.1", true),
            ("id.example.com", false),
            ("10.0.0.1", false),
        ] {
            assert_eq!(is_loopback(host), expected, "{host}");
        }
    }
}
