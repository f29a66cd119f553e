"""A Flask application on Authlib, against the example as it stands, applied while the server runs."""

import os

import pytest
import requests
from authlib.integrations.base_client import OAuthError
from authlib.integrations.flask_client import OAuth
from authlib.integrations.requests_client import OAuth2Session
from flask import Flask, jsonify
from harness import EXAMPLE, Signet, UserAgent, example_application
from joserfc import jwt
from joserfc.jwk import KeySet

# Authlib refuses plain http otherwise.
os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"
ALICE = {"username": "alice", "password": "example-password-of-alice"}
SCOPE = "openid profile email offline_access"


@pytest.fixture(scope="module")
def signet(tmp_path_factory):
    with Signet(tmp_path_factory.mktemp("signet")) as server:
        server.apply(EXAMPLE)
        yield server


class RelyingParty:
    """The application's back end: `/login` sends people to Signet, the callback shows the tokens it got."""

    def __init__(self, issuer, application):
        self.application = application
        self.issuer = issuer
        self.callback = application["redirect_uris"][0]
        self.after_logout = application["logout_redirect_uris"][0]
        self.secret = application.get("secret")
        self.auth = application["token_endpoint_auth_method"]
        app = Flask(__name__)
        app.secret_key = "only for this test"
        self.provider = OAuth(app).register(
            "signet",
            client_id=application["id"],
            client_secret=self.secret,
            server_metadata_url=f"{issuer}/.well-known/openid-configuration",
            client_kwargs={
                "scope": SCOPE,
                "code_challenge_method": "S256",
                "token_endpoint_auth_method": self.auth,
            },
        )
        app.add_url_rule("/login/<prompt>", view_func=self._login)
        app.add_url_rule("/callback", view_func=self._finish)
        self.browser = app.test_client()

    def _login(self, prompt):
        return self.provider.authorize_redirect(self.callback, prompt=prompt)

    def _finish(self):
        try:
            return jsonify(self.provider.authorize_access_token())
        except OAuthError as error:
            return jsonify(error=error.error), 400

    def sign_in(self, user_agent, prompt="consent", **answers):
        """One login through the routes above. Authlib checks state, nonce, `iss` and the ID token's signature."""
        start = self.browser.get(f"/login/{prompt}")
        arrived, answered = user_agent.visit(start.headers["location"], self.callback, **answers)
        return self.browser.get(arrived).get_json(), answered

    @property
    def metadata(self):
        return self.provider.load_server_metadata()

    def session(self, token=None):
        """The same client for calls outside a login."""
        return OAuth2Session(
            self.application["id"],
            self.secret,
            token=token,
            token_endpoint_auth_method=self.auth,
            revocation_endpoint_auth_method=self.auth,
        )

    def claims(self, token):
        """The claims of a token, its signature checked against the published keys by another library."""
        keys = KeySet.import_key_set(requests.get(self.metadata["jwks_uri"], timeout=30).json())
        return jwt.decode(token, keys, algorithms=["RS256"]).claims

    def user_info(self, token):
        headers = {"Authorization": f"Bearer {token}"}
        return requests.get(self.metadata["userinfo_endpoint"], headers=headers, timeout=30)

    def introspect(self, token):
        answer = self.session().introspect_token(self.metadata["introspection_endpoint"], token)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def revoke(self, token, hint):
        answer = self.session().revoke_token(self.metadata["revocation_endpoint"], token, hint)
        assert answer.status_code == 200, answer.text


@pytest.fixture(params=["notes", "notes-spa"])
def party(request, signet):
    return RelyingParty(signet.issuer, example_application(request.param))


def test_the_whole_life_of_a_login(party):
    person = UserAgent()
    first, answered = party.sign_in(person, decision="allow", **ALICE)
    assert answered == 2, "a login page and a consent page"
    assert first["userinfo"]["email"] == "alice@example.com", "Authlib took the claims from the ID token"
    claims = party.claims(first["id_token"])
    assert (claims["iss"], claims["name"]) == (party.issuer, "Alice Liddell")
    assert party.claims(first["access_token"])["client_id"] == party.application["id"]

    profile = party.user_info(first["access_token"]).json()
    assert (profile["sub"], profile["given_name"]) == (claims["sub"], "Alice")

    session = party.session(first)
    second = session.refresh_token(party.metadata["token_endpoint"])
    assert second["refresh_token"] != first["refresh_token"]
    assert party.claims(second["access_token"])["sub"] == claims["sub"]

    active = party.introspect(second["access_token"])
    assert (active["active"], active["sub"]) == (True, claims["sub"])

    silent, answered = party.sign_in(person, prompt="none")
    assert (answered, silent["userinfo"]["sid"]) == (0, claims["sid"])

    party.revoke(second["access_token"], "access_token")
    assert party.introspect(second["access_token"]) == {"active": False}
    assert party.user_info(second["access_token"]).status_code == 401
    party.revoke(second["refresh_token"], "refresh_token")
    with pytest.raises(OAuthError, match="invalid_grant"):
        session.refresh_token(party.metadata["token_endpoint"], second["refresh_token"])

    with party.browser.application.test_request_context():
        leave = party.provider.create_logout_url(party.after_logout, first["id_token"])
    arrived, answered = person.visit(leave["url"], party.after_logout)
    assert (arrived, answered) == (f"{party.after_logout}?state={leave['state']}", 0)
    refused, _ = party.sign_in(person, prompt="none")
    assert refused == {"error": "login_required"}


def test_whoever_says_no_comes_back_with_access_denied(party):
    answer, _ = party.sign_in(UserAgent(), decision="deny", **ALICE)
    assert answer == {"error": "access_denied"}


def test_applying_the_example_again_changes_nothing(signet):
    party = RelyingParty(signet.issuer, example_application("notes"))
    first, _ = party.sign_in(UserAgent(), decision="allow", **ALICE)
    signet.apply(EXAMPLE)
    assert party.introspect(first["access_token"])["active"] is True
    second, _ = party.sign_in(UserAgent(), decision="allow", **ALICE)
    assert second["userinfo"]["sub"] == first["userinfo"]["sub"]
