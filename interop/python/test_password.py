"""The password mode and refreshing, by Authlib and by requests-oauthlib, each as its users write it."""

import os

import pytest
import requests
from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session as AuthlibSession
from harness import EXAMPLE, Signet, UserAgent
from oauthlib.oauth2 import LegacyApplicationClient, OAuth2Error
from requests.auth import HTTPBasicAuth
from requests_oauthlib import OAuth2Session

# Both refuse plain http otherwise.
os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"
os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = "1"
SCOPE = ["openid", "profile", "offline_access"]
SECRET = "test-secret-of-passwords-0123456789abcdef"
CALLBACK = "http://localhost:3000/callback"
TICKED = "bbbbbbbbbbbbbbbbbbbb0001"
NOT_TICKED = "bbbbbbbbbbbbbbbbbbbb0002"


def application(identifier, client_id, grant_types):
    return f"""
[[applications]]
name = "Test {identifier}"
identifier = "{identifier}"
id = "{client_id}"
secret = "{SECRET}"
redirect_uris = ["{CALLBACK}"]
grant_types = {grant_types}
response_types = ["code"]
token_endpoint_auth_method = "client_secret_basic"
"""


@pytest.fixture(scope="module")
def signet(tmp_path_factory):
    directory = tmp_path_factory.mktemp("signet")
    with Signet(directory) as server:
        server.apply(EXAMPLE)
        description = directory / "passwords.toml"
        description.write_text(
            application("passwords", TICKED, ["authorization_code", "password", "refresh_token"])
            + application("no-passwords", NOT_TICKED, ["authorization_code", "refresh_token"])
        )
        server.apply(description)
        yield server


class Authlib:
    """A session of Authlib for an application."""

    def __init__(self, token_endpoint, client_id):
        self.token_endpoint = token_endpoint
        self.session = AuthlibSession(
            client_id, SECRET, scope=" ".join(SCOPE), token_endpoint_auth_method="client_secret_basic"
        )

    def log_in(self, username, password):
        return self.session.fetch_token(self.token_endpoint, username=username, password=password)

    def refresh(self, refresh_token):
        return self.session.refresh_token(self.token_endpoint, refresh_token)


class RequestsOauthlib:
    """A session of requests-oauthlib for an application."""

    def __init__(self, token_endpoint, client_id):
        self.token_endpoint = token_endpoint
        self.auth = HTTPBasicAuth(client_id, SECRET)
        self.session = OAuth2Session(client=LegacyApplicationClient(client_id, scope=SCOPE))

    def log_in(self, username, password):
        return self.session.fetch_token(
            self.token_endpoint, username=username, password=password, auth=self.auth
        )

    def refresh(self, refresh_token):
        return self.session.refresh_token(self.token_endpoint, refresh_token, auth=self.auth)


@pytest.fixture
def metadata(signet):
    return requests.get(f"{signet.issuer}/.well-known/openid-configuration", timeout=30).json()


@pytest.fixture(params=[Authlib, RequestsOauthlib])
def library(request, metadata):
    return lambda client_id=TICKED: request.param(metadata["token_endpoint"], client_id)


def refusal(error):
    """What a library was told, whichever kind of error it makes of it."""
    return error.value.error, error.value.description


@pytest.mark.parametrize("name", ["alice", "ALICE@example.com", "+8613800000001"])
def test_a_name_and_a_password_give_tokens(library, metadata, name):
    client = library()
    tokens = client.log_in(name, "example-password-of-alice")
    assert tokens["id_token"] and tokens["refresh_token"]
    profile = client.session.get(metadata["userinfo_endpoint"]).json()
    assert profile["name"] == "Alice Liddell"


def test_a_wrong_password_and_a_stranger_are_answered_alike(library):
    answers = []
    for name in ("alice", "nobody"):
        with pytest.raises((OAuthError, OAuth2Error)) as error:
            library().log_in(name, "not the password")
        answers.append(refusal(error))
    assert answers == [("invalid_grant", "invalid credentials provided")] * 2


def test_an_application_without_the_mode_is_refused(library):
    with pytest.raises((OAuthError, OAuth2Error)) as error:
        library(NOT_TICKED).log_in("alice", "example-password-of-alice")
    assert refusal(error)[0] == "unauthorized_client"


def test_a_refresh_moves_on_and_a_fork_ends_the_login(library, metadata):
    client = library()
    first = dict(client.log_in("bob", "example-password-of-bob"))
    second = dict(client.refresh(first["refresh_token"]))
    assert second["refresh_token"] != first["refresh_token"]
    again = client.refresh(first["refresh_token"])
    assert again["refresh_token"] == second["refresh_token"], "the answer was lost and is asked for again"
    third = dict(client.refresh(second["refresh_token"]))
    for token in (first, third):
        with pytest.raises((OAuthError, OAuth2Error)) as error:
            client.refresh(token["refresh_token"])
        assert refusal(error)[0] == "invalid_grant"
    bearer = {"Authorization": f"Bearer {third['access_token']}"}
    assert requests.get(metadata["userinfo_endpoint"], headers=bearer, timeout=30).status_code == 401


class TestCode:
    """requests-oauthlib with a code and PKCE; test_authlib.py has that of Authlib."""

    @staticmethod
    def arrive(metadata, decision):
        session = OAuth2Session(TICKED, redirect_uri=CALLBACK, scope=SCOPE, pkce="S256")
        url, _ = session.authorization_url(metadata["authorization_endpoint"], prompt="consent")
        answers = {"username": "alice", "password": "example-password-of-alice", "decision": decision}
        return session, UserAgent().visit(url, CALLBACK, **answers)[0]

    def test_a_login(self, metadata):
        session, arrived = self.arrive(metadata, "allow")
        auth = HTTPBasicAuth(TICKED, SECRET)
        tokens = session.fetch_token(metadata["token_endpoint"], authorization_response=arrived, auth=auth)
        assert session.get(metadata["userinfo_endpoint"]).json()["given_name"] == "Alice"
        refreshed = session.refresh_token(metadata["token_endpoint"], auth=auth)
        assert refreshed["refresh_token"] != tokens["refresh_token"]

    def test_whoever_says_no_comes_back_with_access_denied(self, metadata):
        session, arrived = self.arrive(metadata, "deny")
        with pytest.raises(OAuth2Error) as error:
            session.fetch_token(metadata["token_endpoint"], authorization_response=arrived)
        assert refusal(error)[0] == "access_denied"
