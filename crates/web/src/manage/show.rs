//! What a developer needs to connect an application: its App ID, its secret, how it authenticates, and its endpoints. And
//! what a pool adds to the built-in scopes and claims.

use std::{fmt, sync::Arc};

use signet_protocol::{
    application::Application,
    claims::{CLAIMS_BY_SCOPE, FURTHER_CLAIMS},
    discovery::{Discovery, discovery},
    id::AppId,
    issuer::{Identifier, Issuer, IssuerId, Site},
    pool::PoolSettings,
};
use signet_store::{
    StoreError,
    audit::{Action, Entry, Origin},
};

use crate::{Signet, audit};

/// An application as its developer sees it. Its text contains the secret: it is shown to whoever asked for it, and
/// never logged.
pub struct ApplicationCard {
    application: Arc<Application>,
    /// Its own issuer, and the pool's.
    issuers: [(&'static str, Discovery); 2],
}

/// The application with this App ID or identifier.
pub async fn application(signet: &Signet, named: &str) -> Result<Option<ApplicationCard>, StoreError> {
    let pool = signet.store().pool_settings().await?;
    Ok(find(signet, named).await?.map(|application| card(signet, application, &pool)))
}

/// The App ID of the application with this App ID or identifier.
pub async fn application_id(signet: &Signet, named: &str) -> Result<Option<AppId>, StoreError> {
    Ok(find(signet, named).await?.map(|found| found.id))
}

pub(super) async fn find(signet: &Signet, named: &str) -> Result<Option<Arc<Application>>, StoreError> {
    let store = signet.store();
    let by_id = match AppId::parse(named) {
        Some(id) => store.application(id).await?,
        None => None,
    };
    match (by_id, Identifier::parse(named)) {
        (None, Ok(identifier)) => store.application_by_identifier(&identifier).await,
        (found, _) => Ok(found),
    }
}

fn card(signet: &Signet, application: Arc<Application>, settings: &PoolSettings) -> ApplicationCard {
    let (base, pool) = (&signet.settings().base_url, application.pool);
    let own = Site::Application(application.identifier.clone());
    let own = Issuer::at(base, &own, pool, IssuerId::Application(application.id));
    let shared = Issuer::at(base, &Site::Pool, pool, IssuerId::Pool(pool));
    let issuers = [
        ("At its own address", discovery(&own, Some(&application), settings)),
        ("At the pool's address", discovery(&shared, None, settings)),
    ];
    ApplicationCard { application, issuers }
}

impl ApplicationCard {
    /// What is written down of its being shown: it has the secret.
    pub fn entry(&self, origin: &Origin) -> Entry {
        Entry::of_admin(Action::ShowSecret, origin.clone())
            .on("application", audit::application(&self.application))
    }
}

impl fmt::Display for ApplicationCard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let app = &self.application;
        let state = if app.enabled { "" } else { " (disabled)" };
        writeln!(f, "{}{state}", app.name)?;
        row(f, "Identifier", app.identifier.as_str())?;
        row(f, "Type", app.settings.kind.as_str())?;
        row(f, "App ID", &app.id.to_string())?;
        match &app.secret {
            Some(secret) => row(f, "App Secret", &String::from_utf8_lossy(secret.expose()))?,
            None => row(f, "App Secret", "none (public client, PKCE)")?,
        }
        let settings = &app.settings;
        writeln!(f, "\nAuthentication method")?;
        row(f, "Token", settings.token_endpoint_auth_method.as_str())?;
        row(f, "Introspection", settings.introspection_endpoint_auth_method.as_str())?;
        row(f, "Revocation", settings.revocation_endpoint_auth_method.as_str())?;
        for (title, document) in &self.issuers {
            writeln!(f, "\n{title}")?;
            row(f, "Issuer", &document.issuer)?;
            row(f, "Discovery", &format!("{}/.well-known/openid-configuration", document.issuer))?;
            row(f, "JWKS", &document.jwks_uri)?;
            row(f, "Authorization", &document.authorization_endpoint)?;
            row(f, "Token", &document.token_endpoint)?;
            row(f, "User info", &document.userinfo_endpoint)?;
            row(f, "Introspection", &document.introspection_endpoint)?;
            row(f, "Revocation", &document.revocation_endpoint)?;
            row(f, "Logout", &document.end_session_endpoint)?;
        }
        Ok(())
    }
}

fn row(f: &mut fmt::Formatter<'_>, label: &str, value: &str) -> fmt::Result {
    writeln!(f, "  {label:<14} {value}")
}

/// What the pool adds to the built-in scopes and claims. Its text is a description that makes just that, after the
/// built-in ones in comments.
pub struct PoolCard(Arc<PoolSettings>);

/// What the pool adds.
pub async fn pool(signet: &Signet) -> Result<PoolCard, StoreError> {
    signet.store().pool_settings().await.map(PoolCard)
}

impl fmt::Display for PoolCard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "# Built-in scopes and their claims:")?;
        for (scope, claims) in CLAIMS_BY_SCOPE {
            let names: Vec<&str> = claims.iter().map(|(name, _)| *name).collect();
            writeln!(f, "#   {:<16} {}", scope.as_str(), names.join(", "))?;
        }
        let further: Vec<&str> = FURTHER_CLAIMS.iter().map(|(name, _)| *name).collect();
        writeln!(f, "# Claims that any scope below may give as well: {}", further.join(", "))?;
        let PoolSettings { extended_fields, claims, scopes, .. } = &*self.0;
        for (name, kind) in extended_fields {
            writeln!(f, "\n[[extended_fields]]\nname = {name:?}\ntype = {:?}", kind.as_str())?;
        }
        for (name, field) in claims {
            writeln!(f, "\n[[claims]]\nname = {name:?}\nfield = {:?}", field.to_string())?;
        }
        for (name, scope) in scopes {
            writeln!(f, "\n[[scopes]]\nname = {name:?}\nclaims = {:?}", scope.claims)?;
            let texts = [("description", &scope.description), ("description_zh", &scope.description_zh)];
            for (key, text) in texts.into_iter().filter_map(|(key, text)| Some((key, text.as_ref()?))) {
                // A line of JSON is a string of TOML, since none of these texts has a control character.
                writeln!(f, "{key} = {}", serde_json::Value::from(text.as_str()))?;
            }
        }
        Ok(())
    }
}
