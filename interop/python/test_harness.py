"""The harness's own parts."""

import socket

import pytest
from harness import example_application, fill_in, free_port

PAGE = """<form method="post" action="/login?a=1&amp;b=2"><input type=hidden name=csrf value="&quot;&lt;">
<input name="username" value="prefilled"><input type="password" name="password" /><button id="sign-in">Go</button>
<button name="decision" value="allow">Yes</button><button name="decision" value="deny">No</button></form>"""


def test_a_form_is_filled_in_as_a_person_would():
    action, body = fill_in(PAGE, {"username": "alice", "password": "p", "decision": "deny"})
    assert action == "/login?a=1&b=2"
    assert body == [("csrf", '"<'), ("username", "alice"), ("password", "p"), ("decision", "deny")]


def test_a_question_without_an_answer_is_an_error():
    with pytest.raises(KeyError, match="password"):
        fill_in(PAGE, {"username": "alice", "decision": "deny"})
    with pytest.raises(ValueError):
        fill_in("no form", {})


def test_a_free_port_can_be_listened_on():
    with socket.create_server(("127.0.0.1", free_port())):
        pass


def test_the_example_has_both_kinds_of_client():
    assert len(example_application("notes")["secret"]) >= 32
    assert "secret" not in example_application("notes-spa")
