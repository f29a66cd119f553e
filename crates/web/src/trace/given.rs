//! Why a code or a refresh token was refused: looked up again, which only those who run the server are told.

use signet_protocol::{
    code::AuthorizationCode,
    id::{AppId, CodeId},
    opaque::Opaque,
    refresh,
    time::Timestamp,
};

use super::{
    Fix,
    diagnose::{Case, Finding},
    redact, token,
};

impl Case<'_> {
    /// The code that the request shows, as it is stored now.
    async fn stored_code(&self) -> Option<AuthorizationCode> {
        let shown = Opaque::<CodeId>::parse(self.get("code")?)?;
        self.signet.store().code(shown.id).await.ok().flatten()
    }

    /// The application that what the request shows was given to.
    async fn owner(&self) -> Option<AppId> {
        if let Some(code) = self.stored_code().await {
            return Some(code.grant.application);
        }
        let store = self.signet.store();
        let shown = refresh::parse_refresh_token(&store.pool().refresh_key, self.get("refresh_token")?)?;
        let family = store.refresh_family(shown.family).await.ok().flatten()?;
        Some(family.grant.application)
    }

    pub async fn another_client(&self) -> Finding {
        let Some(owner) = self.owner().await else { return self.client() };
        let name = match self.signet.store().application(owner).await {
            Ok(Some(application)) => application.name.clone(),
            _ => owner.to_string(),
        };
        let received = self.application.as_ref().map_or("another", |own| own.name.as_str());
        Finding::new(format!("the client it was given to, {name}"), received, Fix::CheckClientId)
    }

    pub async fn another_redirect_uri(&self) -> Finding {
        let sent = redact::shown(self.get("redirect_uri").unwrap_or_default());
        let value = self.stored_code().await.map(|code| redact::shown(&code.redirect_uri));
        let expected = value.clone().unwrap_or_else(|| "that of the authorization request".to_owned());
        Finding::new(expected, sent, Fix::SendParameter { name: "redirect_uri".to_owned(), value })
    }

    pub async fn another_issuer(&self) -> Finding {
        let made = match self.stored_code().await {
            Some(code) => Some(code.grant.issuer),
            None => token::family_issuer(self).await,
        };
        let issuer = made.and_then(|id| self.url_of(id, self.application.as_ref()));
        let expected = issuer.clone().unwrap_or_else(|| "the issuer that made it".to_owned());
        let fix = issuer.map(|issuer| Fix::UseIssuer { issuer });
        Finding::new(expected, self.refused.issuer.url(), fix)
    }

    pub async fn code_verifier(&self) -> Finding {
        let name = "code_verifier".to_owned();
        let challenged = self.stored_code().await.map(|code| code.challenge.is_some());
        match (challenged, self.get("code_verifier")) {
            (Some(false), Some(_)) => Finding::new(
                "none: the authorization request had no code_challenge",
                "a code_verifier",
                Fix::DropParameter { name },
            ),
            (_, None) => Finding::new(
                "the one whose code_challenge was in the authorization request",
                "nothing",
                Fix::SendParameter { name, value: None },
            ),
            (_, Some(_)) => Finding::new(
                "the one whose code_challenge was in the authorization request",
                "another",
                Fix::KeepVerifier,
            ),
        }
    }

    pub async fn code(&self, rule: &str) -> Finding {
        let shown = self.get("code").map_or_else(|| "nothing".to_owned(), redact::fingerprint);
        let stored = self.stored_code().await;
        let when = |at: Option<Timestamp>| at.map_or_else(|| "before".to_owned(), Timestamp::to_text);
        let (expected, received) = match rule {
            "code_used" => {
                let used = when(stored.and_then(|code| code.consumed_at));
                ("a code that was not used yet", format!("one that was used, {used}: {shown}"))
            }
            "code_expired" => {
                let ended = when(stored.map(|code| code.expires_at));
                ("a code that is still good", format!("one that expired, {ended}: {shown}"))
            }
            "code_revoked" => ("a code that is still good", format!("one whose login has ended: {shown}")),
            _ => ("a code of this server", format!("something else: {shown}")),
        };
        Finding::new(expected, received, Fix::SignInAgain)
    }

    pub fn refresh_token(&self, rule: &str) -> Finding {
        let shown = self.get("refresh_token").map_or_else(|| "nothing".to_owned(), redact::fingerprint);
        let what = match rule {
            "refresh_token_known" => "something else",
            "refresh_token_revoked" => "one that was revoked, or whose login has ended",
            "refresh_token_expired" => "one that has expired",
            _ => "one that was replaced before: what was given with it is revoked",
        };
        Finding::new("the newest refresh token", format!("{what}: {shown}"), Fix::SignInAgain)
    }
}
