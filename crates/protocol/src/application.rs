//! An application: what the standards call a client (RFC 6749 §2, OpenID Connect Registration §2).

use std::{collections::BTreeMap, sync::Arc};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    access::{AccessRule, Effect},
    amr::Acr,
    branding::Branding,
    id::{AppId, PoolId},
    issuer::Identifier,
    jose::{ClientKeys, ContentEncryption, KeyAlg, KeyManagementAlg, SigningAlg},
    redirect_uri::{self, RedirectUri, Scheme, VerifiedRedirectUri},
    request_uri::{self, RequestReference, RequestUri},
    secret::Secret,
    time::Seconds,
};

/// An enumeration of registered names with its parser, printer and serde form, said once.
macro_rules! names {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum $name { $($(#[$vdoc])* #[serde(rename = $text)] $variant),+ }

        impl $name {
            /// Every value.
            pub const ALL: &[$name] = &[$($name::$variant),+];

            /// The registered spelling.
            pub fn as_str(self) -> &'static str {
                match self { $($name::$variant => $text),+ }
            }

            /// From the registered spelling.
            pub fn parse(text: &str) -> Option<$name> {
                match text { $($text => Some($name::$variant),)+ _ => None }
            }
        }
    };
}
pub(crate) use names;

names!(
    /// What an application is, which decides how it can keep a secret.
    ApplicationType {
        /// A web application with a server side.
        Web = "web",
        /// A single-page application: a public client.
        Spa = "spa",
        /// A native application: a public client (RFC 8252).
        Native = "native",
        /// A server without users.
        Api = "api",
    }
);

impl ApplicationType {
    /// Whether it is a public client, which has no secret (RFC 6749 §2.1).
    pub fn is_public(self) -> bool {
        matches!(self, ApplicationType::Spa | ApplicationType::Native)
    }
}

names!(
    /// A `grant_type` that can be ticked: an authorization mode.
    GrantType {
        /// RFC 6749 §4.1.
        AuthorizationCode = "authorization_code",
        /// RFC 6749 §6.
        RefreshToken = "refresh_token",
        /// RFC 6749 §4.3.
        Password = "password",
        /// RFC 6749 §4.2: tokens from the authorization endpoint. Nothing is exchanged for it at the token endpoint.
        Implicit = "implicit",
        /// RFC 6749 §4.4: tokens for the application's accounts, never for itself.
        ClientCredentials = "client_credentials",
    }
);

names!(
    /// A `response_type` that can be ticked: a return type.
    ResponseType {
        /// RFC 6749 §4.1.1.
        Code = "code",
        /// OpenID Connect Core §3.2.
        IdToken = "id_token",
        /// OpenID Connect Core §3.2.
        IdTokenToken = "id_token token",
        /// OpenID Connect Core §3.3.
        CodeIdToken = "code id_token",
        /// OpenID Connect Core §3.3.
        CodeToken = "code token",
        /// OpenID Connect Core §3.3.
        CodeIdTokenToken = "code id_token token",
        /// OAuth 2.0 Multiple Response Type Encoding Practices §4.
        None = "none",
    }
);

impl ResponseType {
    /// As it stands in a request: the values of a registered spelling in any order (RFC 6749 §3.1.1).
    pub fn read(text: &str) -> Option<ResponseType> {
        let asked: Vec<&str> = text.split(' ').collect();
        Self::ALL.iter().copied().find(|kind| {
            let mut values = kind.as_str().split(' ');
            values.clone().count() == asked.len() && values.all(|value| asked.contains(&value))
        })
    }

    /// Whether a code is returned.
    pub fn gives_code(self) -> bool {
        self.has("code")
    }

    /// Whether an access token is returned from the authorization endpoint.
    pub fn gives_token(self) -> bool {
        self.has("token")
    }

    /// Whether an ID token is returned from the authorization endpoint.
    pub fn gives_id_token(self) -> bool {
        self.has("id_token")
    }

    /// Whether a token of either kind is returned from the authorization endpoint: by the browser, the front channel.
    pub fn is_front(self) -> bool {
        self.gives_token() || self.gives_id_token()
    }

    /// The authorization modes that must be ticked beside it (OpenID Connect Registration §2).
    pub fn modes(self) -> impl Iterator<Item = GrantType> {
        let code = self.gives_code().then_some(GrantType::AuthorizationCode);
        code.into_iter().chain(self.is_front().then_some(GrantType::Implicit))
    }

    fn has(self, value: &str) -> bool {
        self.as_str().split(' ').any(|own| own == value)
    }
}

names!(
    /// How a client authenticates at an endpoint (OpenID Connect Core §9).
    AuthMethod {
        /// `client_id` and `client_secret` in the body.
        ClientSecretPost = "client_secret_post",
        /// HTTP Basic.
        ClientSecretBasic = "client_secret_basic",
        /// An assertion keyed by the secret (RFC 7523).
        ClientSecretJwt = "client_secret_jwt",
        /// An assertion signed with a key of the client's own.
        PrivateKeyJwt = "private_key_jwt",
        /// `client_id` alone: a public client.
        None = "none",
    }
);

impl AuthMethod {
    /// Whether the secret itself is shown: what accounts may always do.
    pub fn is_secret(self) -> bool {
        matches!(self, AuthMethod::ClientSecretPost | AuthMethod::ClientSecretBasic)
    }
}

names!(
    /// How an application is told who its users are (OpenID Connect Core §8).
    SubjectType {
        /// By the id that every application is told.
        Public = "public",
        /// By a name that only the applications of its sector are told.
        Pairwise = "pairwise",
    }
);

names!(
    /// `request_object_signing_alg` (OpenID Connect Registration §2).
    RequestObjectAlg {
        /// Not signed.
        None = "none",
        /// [`SigningAlg::Rs256`].
        Rs256 = "RS256",
        /// [`SigningAlg::Ps256`].
        Ps256 = "PS256",
        /// [`SigningAlg::Es256`].
        Es256 = "ES256",
        /// [`SigningAlg::EdDsa`].
        EdDsa = "EdDSA",
        /// [`SigningAlg::Hs256`].
        Hs256 = "HS256",
    }
);

impl RequestObjectAlg {
    /// The algorithm of a signature; `None` for an object that has none.
    pub fn signing(self) -> Option<SigningAlg> {
        SigningAlg::parse(self.as_str())
    }
}

/// The settings of an application that are stored and exported together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ApplicationSettings {
    /// `application_type`.
    #[serde(rename = "type")]
    pub kind: ApplicationType,
    /// Callback links.
    pub redirect_uris: Vec<RedirectUri>,
    /// Where a person may be sent after signing out (OpenID Connect RP-Initiated Logout §3).
    pub logout_redirect_uris: Vec<RedirectUri>,
    /// What is opened in a frame when a session ends (OpenID Connect Front-Channel Logout §2).
    pub frontchannel_logout_uri: Option<RedirectUri>,
    /// Whether that frame needs `iss` and `sid`, which it always gets.
    pub frontchannel_logout_session_required: bool,
    /// What is told when a session ends (OpenID Connect Back-Channel Logout §2.2).
    pub backchannel_logout_uri: Option<RedirectUri>,
    /// Whether that needs `sid`, which it always gets.
    pub backchannel_logout_session_required: bool,
    /// Whether answers carry `session_state` (OpenID Connect Session Management §2).
    pub session_management: bool,
    /// Ticked authorization modes.
    pub grant_types: Vec<GrantType>,
    /// Ticked return types.
    pub response_types: Vec<ResponseType>,
    /// Whether tokens may be sent from the authorization endpoint to callbacks that are not https.
    pub allow_http_implicit_callbacks: bool,
    /// How it authenticates at the token endpoint.
    pub token_endpoint_auth_method: AuthMethod,
    /// How it authenticates at the introspection endpoint.
    pub introspection_endpoint_auth_method: AuthMethod,
    /// How it authenticates at the revocation endpoint.
    pub revocation_endpoint_auth_method: AuthMethod,
    /// How it is told who its users are.
    pub subject_type: SubjectType,
    /// The address whose host is its sector, and which lists the callbacks of all applications of that sector.
    pub sector_identifier_uri: Option<String>,
    /// What its assertions are signed with, at all three; any algorithm of its keys if none is named.
    pub token_endpoint_auth_signing_alg: Option<SigningAlg>,
    /// What its ID tokens are signed with.
    pub id_token_signed_response_alg: SigningAlg,
    /// What its access tokens are signed with; never HS256, since others verify them.
    pub access_token_signed_response_alg: SigningAlg,
    /// What is said of users whom no entry of `access_rules` is about.
    pub access_default: Effect,
    /// Who may use it, and who may not.
    pub access_rules: Vec<AccessRule>,
    /// What user info is signed with; nothing: it is plain JSON.
    pub userinfo_signed_response_alg: Option<SigningAlg>,
    /// How its ID tokens are encrypted to its own key, after they are signed.
    pub id_token_encrypted_response_alg: Option<KeyManagementAlg>,
    /// What their content is encrypted with then; nothing: the default of [`ContentEncryption`].
    pub id_token_encrypted_response_enc: Option<ContentEncryption>,
    /// Its public keys.
    pub jwks: Option<ClientKeys>,
    /// Where its public keys are, in place of `jwks`.
    pub jwks_uri: Option<String>,
    /// What its request objects are signed with; any algorithm of its keys if none is named, but never `none`.
    pub request_object_signing_alg: Option<RequestObjectAlg>,
    /// Whether it must send signed request objects (RFC 9101 §10.5).
    pub require_signed_request_object: bool,
    /// Where its request objects may be fetched from.
    pub request_uris: Vec<RequestUri>,
    /// Origins whose scripts may call the endpoints; empty: the origins of the callbacks.
    pub web_origins: Vec<String>,
    /// Lifetime of a code.
    pub authorization_code_expire: Seconds,
    /// Lifetime of an ID token.
    pub id_token_expire: Seconds,
    /// Lifetime of an access token.
    pub access_token_expire: Seconds,
    /// Lifetime of a chain of refresh tokens, from the login.
    pub refresh_token_expire: Seconds,
    /// Whether it shares the pool's login.
    pub sso: bool,
    /// How old a login may be when the request does not say.
    pub default_max_age: Option<Seconds>,
    /// Authentication context classes that are told when the request names none.
    pub default_acr_values: Vec<Acr>,
    /// Whether consent is asked only on `prompt=consent`.
    pub skip_consent: bool,
    /// Whether `offline_access` is granted without `prompt=consent` (OpenID Connect Core §11: other conditions).
    pub offline_access_without_consent: bool,
    /// Whether `code_challenge_method=plain` is accepted (RFC 7636 §4.2).
    pub allow_plain_pkce: bool,
    /// Whether user info accepts the access token as a query parameter (RFC 6750 §2.3).
    pub access_token_in_query: bool,
    /// Whether claims without a value are sent as `null` instead of left out.
    pub empty_claims_as_null: bool,
    /// Whether `updated_at` is sent as text and not as a number of seconds.
    pub updated_at_as_text: bool,
    /// Whether a refresh token is good until its chain ends, and not replaced by each use.
    pub reuse_refresh_tokens: bool,
    /// Whether the token endpoint takes its parameters from the URL, too.
    pub token_request_in_url: bool,
    /// Whether the password may be among them.
    pub password_in_url: bool,
    /// Whether a refresh may name the application by the header `x-authing-app-id` alone.
    pub refresh_without_client_id: bool,
    /// Whether `/api/v2/oidc/validate_token` tells of its tokens.
    pub validate_token: bool,
    /// Claims with the same value for everybody, in ID tokens and user info.
    pub constant_claims: BTreeMap<String, Value>,
    /// A logo for the login page.
    pub logo_uri: Option<String>,
    /// How its pages look, and what they say.
    #[serde(flatten)]
    pub branding: Branding,
    /// What it is, for people.
    pub description: Option<String>,
}

impl Default for ApplicationSettings {
    fn default() -> Self {
        ApplicationSettings {
            kind: ApplicationType::Web,
            redirect_uris: Vec::new(),
            logout_redirect_uris: Vec::new(),
            frontchannel_logout_uri: None,
            frontchannel_logout_session_required: false,
            backchannel_logout_uri: None,
            backchannel_logout_session_required: false,
            session_management: false,
            grant_types: vec![GrantType::AuthorizationCode, GrantType::RefreshToken],
            response_types: vec![ResponseType::Code],
            allow_http_implicit_callbacks: false,
            token_endpoint_auth_method: AuthMethod::ClientSecretPost,
            introspection_endpoint_auth_method: AuthMethod::ClientSecretPost,
            revocation_endpoint_auth_method: AuthMethod::ClientSecretPost,
            subject_type: SubjectType::Public,
            sector_identifier_uri: None,
            token_endpoint_auth_signing_alg: None,
            id_token_signed_response_alg: SigningAlg::Rs256,
            access_token_signed_response_alg: SigningAlg::Rs256,
            access_default: Effect::Allow,
            access_rules: Vec::new(),
            userinfo_signed_response_alg: None,
            id_token_encrypted_response_alg: None,
            id_token_encrypted_response_enc: None,
            jwks: None,
            jwks_uri: None,
            request_object_signing_alg: None,
            require_signed_request_object: false,
            request_uris: Vec::new(),
            web_origins: Vec::new(),
            authorization_code_expire: Seconds(600),
            id_token_expire: Seconds(3600),
            access_token_expire: Seconds(3600),
            refresh_token_expire: Seconds(2_592_000),
            sso: false,
            default_max_age: None,
            default_acr_values: Vec::new(),
            skip_consent: true,
            offline_access_without_consent: false,
            allow_plain_pkce: false,
            access_token_in_query: false,
            empty_claims_as_null: false,
            updated_at_as_text: false,
            reuse_refresh_tokens: false,
            token_request_in_url: false,
            password_in_url: false,
            refresh_without_client_id: false,
            validate_token: false,
            constant_claims: BTreeMap::new(),
            logo_uri: None,
            branding: Branding::default(),
            description: None,
        }
    }
}

impl ApplicationSettings {
    /// The one host of all callbacks; `None` when there are several, or none.
    pub fn callback_host(&self) -> Option<&str> {
        let host = self.redirect_uris.first()?.host()?;
        self.redirect_uris.iter().all(|uri| uri.host() == Some(host)).then_some(host)
    }

    /// Whether anything it gets is signed with a key for `alg`.
    pub fn signs_with(&self, alg: KeyAlg) -> bool {
        let alg = SigningAlg::from(alg);
        [self.id_token_signed_response_alg, self.access_token_signed_response_alg].contains(&alg)
            || self.userinfo_signed_response_alg == Some(alg)
    }
}

/// An application as it is stored.
#[derive(Clone, Debug)]
pub struct Application {
    /// App ID: `client_id`.
    pub id: AppId,
    /// The pool it belongs to.
    pub pool: PoolId,
    /// The label of its authentication address.
    pub identifier: Identifier,
    /// Its name, for people.
    pub name: String,
    /// Whether it may be used at all.
    pub enabled: bool,
    /// App Secret: `client_secret`; public clients have none.
    pub secret: Option<Secret>,
    /// Everything else.
    pub settings: ApplicationSettings,
    /// Counts its changes; an update names the version it was made from.
    pub version: i64,
}

impl Application {
    /// Whether `grant` is ticked (attack 18).
    pub fn allows_grant(&self, grant: GrantType) -> bool {
        self.settings.grant_types.contains(&grant)
    }

    /// Whether `response_type` is ticked.
    pub fn allows_response(&self, response_type: ResponseType) -> bool {
        self.settings.response_types.contains(&response_type)
    }

    /// Whether the authorization endpoint may answer with `response_type`: it and its modes are ticked.
    pub fn may_answer(&self, response_type: ResponseType) -> bool {
        self.allows_response(response_type) && response_type.modes().all(|mode| self.allows_grant(mode))
    }

    /// Whether tokens may be sent to `callback` through the browser: over https or to this machine, unless the application
    /// is allowed otherwise (OpenID Connect Registration §2, `application_type`).
    pub fn may_receive_tokens(&self, callback: &RedirectUri) -> bool {
        self.settings.allow_http_implicit_callbacks
            || matches!(callback.scheme(), Scheme::Https | Scheme::HttpLoopback)
    }

    /// Whether its codes need a challenge: it has no secret, or could not keep one (RFC 9700 §2.1.1).
    pub fn must_use_pkce(&self) -> bool {
        self.settings.kind.is_public() || self.settings.token_endpoint_auth_method == AuthMethod::None
    }

    /// The callback `asked` for, if it is registered. The loopback port of a native application may vary (RFC 8252 §7.3).
    pub fn find_redirect_uri(&self, asked: &str) -> Option<VerifiedRedirectUri> {
        redirect_uri::verify(
            asked,
            &self.settings.redirect_uris,
            self.settings.kind == ApplicationType::Native,
        )
    }

    /// Whether and how `asked` may be fetched as a request object (OpenID Connect Core §6.2).
    pub fn find_request_uri<'a>(&self, asked: &'a str) -> Option<RequestReference<'a>> {
        request_uri::find(asked, &self.settings.request_uris)
    }

    /// The origins whose scripts may read this application's answers.
    pub fn origins(&self) -> Vec<&str> {
        if !self.settings.web_origins.is_empty() {
            return self.settings.web_origins.iter().map(String::as_str).collect();
        }
        let http = |uri: &&RedirectUri| uri.scheme() != Scheme::Private;
        self.settings.redirect_uris.iter().filter(http).map(RedirectUri::web_origin).collect()
    }

    /// The sector within which pairwise subjects are the same (OpenID Connect Core §8.1): the host of the sector
    /// identifier, or of the callbacks. One without a host of its own shares with nobody.
    pub fn sector(&self) -> String {
        let settings = &self.settings;
        let named = settings.sector_identifier_uri.as_deref().and_then(|uri| RedirectUri::parse(uri).ok());
        let host = match &named {
            Some(uri) => uri.host(),
            None => settings.callback_host(),
        };
        host.map_or_else(|| self.id.to_string(), str::to_owned)
    }

    /// Proof that it may be used, or nothing (attack 9).
    pub fn active(self: &Arc<Self>) -> Option<ActiveApplication> {
        self.enabled.then(|| ActiveApplication(Arc::clone(self)))
    }
}

/// An application that was found enabled. Only [`Application::active`] makes one, and tokens are minted for nothing else.
#[derive(Clone, Debug)]
pub struct ActiveApplication(Arc<Application>);

impl std::ops::Deref for ActiveApplication {
    type Target = Application;

    fn deref(&self) -> &Application {
        &self.0
    }
}
