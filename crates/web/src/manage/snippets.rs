//! Ready settings for client libraries, with the values of one application filled in.

/// What a client library is told.
#[derive(Clone, Debug)]
pub struct Client {
    /// The issuer it discovers everything from.
    pub issuer: String,
    /// The App ID.
    pub client_id: String,
    /// Whether there is an App Secret, which is put where secrets belong, and never here.
    pub confidential: bool,
    /// The first callback link.
    pub redirect_uri: String,
    /// How it authenticates at the token endpoint.
    pub auth_method: &'static str,
}

/// Settings for one library.
#[derive(Clone, Debug)]
pub struct Snippet {
    /// Names it in the page.
    pub id: &'static str,
    /// The library and its language.
    pub name: &'static str,
    /// What to write.
    pub text: String,
}

/// Every library there are settings for.
pub fn snippets(client: &Client) -> Vec<Snippet> {
    type Write = fn(&Client) -> String;
    let all: [(&str, &str, Write); 8] = [
        ("openid-client", "openid-client (Node.js)", node),
        ("oidc-client-ts", "oidc-client-ts (browser)", browser),
        ("authlib", "Authlib (Python)", python),
        ("spring", "Spring Security (Java)", spring),
        ("go-oidc", "go-oidc (Go)", go),
        ("openidconnect", "openidconnect (Rust)", rust),
        ("apache", "mod_auth_openidc (Apache)", apache),
        ("curl", "curl", curl),
    ];
    all.into_iter().map(|(id, name, write)| Snippet { id, name, text: write(client) }).collect()
}

/// A text between quotes of a language whose strings are those of JSON.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn node(client: &Client) -> String {
    let secret = if client.confidential { "process.env.APP_SECRET" } else { "undefined" };
    let auth = match (client.confidential, client.auth_method) {
        (false, _) | (_, "none") => "client.None()",
        (_, "client_secret_basic") => "client.ClientSecretBasic(process.env.APP_SECRET)",
        _ => "client.ClientSecretPost(process.env.APP_SECRET)",
    };
    let plain = if client.issuer.starts_with("http://") {
        ",\n  { execute: [client.allowInsecureRequests] }"
    } else {
        ""
    };
    format!(
        "import * as client from \"openid-client\";\n\n\
         const config = await client.discovery(\n  new URL({}),\n  {},\n  {secret},\n  {auth}{plain}\n);\n\
         const code_verifier = client.randomPKCECodeVerifier();\n\
         const url = client.buildAuthorizationUrl(config, {{\n  redirect_uri: {},\n  scope: \"openid profile email\",\n  \
         code_challenge: await client.calculatePKCECodeChallenge(code_verifier),\n  code_challenge_method: \"S256\",\n}});",
        quoted(&client.issuer),
        quoted(&client.client_id),
        quoted(&client.redirect_uri),
    )
}

fn browser(client: &Client) -> String {
    format!(
        "import {{ UserManager }} from \"oidc-client-ts\";\n\n\
         const users = new UserManager({{\n  authority: {},\n  client_id: {},\n  redirect_uri: {},\n  \
         scope: \"openid profile email\",\n}});\nawait users.signinRedirect();",
        quoted(&client.issuer),
        quoted(&client.client_id),
        quoted(&client.redirect_uri),
    )
}

fn python(client: &Client) -> String {
    let secret = if client.confidential { "os.environ[\"APP_SECRET\"]" } else { "None" };
    let method = if client.confidential { client.auth_method } else { "none" };
    format!(
        "import os\nfrom authlib.integrations.flask_client import OAuth\n\noauth = OAuth(app)\noauth.register(\n    \
         \"signet\",\n    server_metadata_url={},\n    client_id={},\n    client_secret={secret},\n    \
         client_kwargs={{\n        \"scope\": \"openid profile email\",\n        \"code_challenge_method\": \"S256\",\n        \
         \"token_endpoint_auth_method\": {},\n    }},\n)\n# then: oauth.signet.authorize_redirect({})",
        quoted(&format!("{}/.well-known/openid-configuration", client.issuer)),
        quoted(&client.client_id),
        quoted(method),
        quoted(&client.redirect_uri),
    )
}

fn spring(client: &Client) -> String {
    let secret = if client.confidential { "\n            client-secret: ${APP_SECRET}" } else { "" };
    let method = if client.confidential { client.auth_method } else { "none" };
    format!(
        "spring:\n  security:\n    oauth2:\n      client:\n        registration:\n          signet:\n            client-id: {}{secret}\n            \
         client-authentication-method: {method}\n            authorization-grant-type: authorization_code\n            \
         redirect-uri: {}\n            scope: openid, profile, email\n        provider:\n          signet:\n            issuer-uri: {}",
        quoted(&client.client_id),
        quoted(&client.redirect_uri),
        quoted(&client.issuer),
    )
}

fn go(client: &Client) -> String {
    let secret = if client.confidential { "\n\tClientSecret: os.Getenv(\"APP_SECRET\")," } else { "" };
    format!(
        "provider, err := oidc.NewProvider(ctx, {})\nif err != nil {{\n\tlog.Fatal(err)\n}}\nconfig := oauth2.Config{{\n\t\
         ClientID:     {},{secret}\n\tEndpoint:     provider.Endpoint(),\n\tRedirectURL:  {},\n\t\
         Scopes:       []string{{oidc.ScopeOpenID, \"profile\", \"email\"}},\n}}\nverifier := oauth2.GenerateVerifier()\n\
         url := config.AuthCodeURL(state, oauth2.S256ChallengeOption(verifier))",
        quoted(&client.issuer),
        quoted(&client.client_id),
        quoted(&client.redirect_uri),
    )
}

fn rust(client: &Client) -> String {
    let secret =
        if client.confidential { "Some(ClientSecret::new(std::env::var(\"APP_SECRET\")?))" } else { "None" };
    format!(
        "let metadata = CoreProviderMetadata::discover_async(\n    IssuerUrl::new({}.to_owned())?,\n    &http,\n)\n.await?;\n\
         let client = CoreClient::from_provider_metadata(\n    metadata,\n    ClientId::new({}.to_owned()),\n    {secret},\n)\n\
         .set_redirect_uri(RedirectUrl::new({}.to_owned())?);\n\
         let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();",
        quoted(&client.issuer),
        quoted(&client.client_id),
        quoted(&client.redirect_uri),
    )
}

fn apache(client: &Client) -> String {
    let secret = if client.confidential {
        format!(
            "\nOIDCClientSecret \"exec:/usr/local/bin/app-secret\"\nOIDCProviderTokenEndpointAuth {}",
            client.auth_method
        )
    } else {
        "\nOIDCProviderTokenEndpointAuth none".to_owned()
    };
    format!(
        "OIDCProviderMetadataURL {}\nOIDCClientID {}{secret}\nOIDCRedirectURI {}\nOIDCPKCEMethod S256\n\
         OIDCScope \"openid profile email\"\nOIDCCryptoPassphrase \"exec:/usr/local/bin/session-key\"",
        quoted(&format!("{}/.well-known/openid-configuration", client.issuer)),
        quoted(&client.client_id),
        quoted(&client.redirect_uri),
    )
}

fn curl(client: &Client) -> String {
    let auth = match (client.confidential, client.auth_method) {
        (true, "client_secret_basic") => format!("-u {}:\"$APP_SECRET\"", client.client_id),
        (true, _) => {
            format!("-d client_id={} --data-urlencode \"client_secret=$APP_SECRET\"", client.client_id)
        }
        (false, _) => format!("-d client_id={}", client.client_id),
    };
    format!(
        "# after the browser came back with code=…, and with the verifier it began with:\n\
         curl {}/token \\\n  {auth} \\\n  -d grant_type=authorization_code --data-urlencode redirect_uri={} \\\n  \
         -d code=\"$CODE\" -d code_verifier=\"$VERIFIER\"",
        client.issuer,
        shell(&client.redirect_uri),
    )
}

fn shell(text: &str) -> String {
    format!("'{}'", text.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(confidential: bool) -> Client {
        Client {
            issuer: "https://login.example/oidc".to_owned(),
            client_id: "0123456789abcdef01234567".to_owned(),
            confidential,
            redirect_uri: "https://rp.example/cb?a=\"b'".to_owned(),
            auth_method: if confidential { "client_secret_post" } else { "none" },
        }
    }

    #[test]
    fn every_library_is_told_the_application_and_no_secret() {
        for confidential in [true, false] {
            let all = snippets(&client(confidential));
            assert_eq!(all.len(), 8);
            for Snippet { id, text, .. } in all {
                assert!(text.contains("https://login.example/oidc"), "{id}: {text}");
                assert!(text.contains("0123456789abcdef01234567"), "{id}: {text}");
                assert!(text.contains("https://rp.example/cb"), "{id}: {text}");
                let asks = text.contains("APP_SECRET") || text.contains("app-secret");
                assert_eq!(asks, confidential && id != "oidc-client-ts", "{id}: {text}");
            }
        }
    }

    #[test]
    fn a_callback_cannot_end_the_string_it_stands_in() {
        let texts = snippets(&client(true));
        let of = |id: &str| &texts.iter().find(|one| one.id == id).unwrap().text;
        assert!(of("openid-client").contains("\"https://rp.example/cb?a=\\\"b'\""));
        assert!(of("curl").contains("'https://rp.example/cb?a=\"b'\\'''"));
    }
}
