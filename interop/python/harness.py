"""The real server on a free port, and a person at a browser without scripts."""

import os
import signal
import socket
import subprocess
import time
import tomllib
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urljoin

import requests

ROOT = Path(__file__).resolve().parents[2]
TARGET = ROOT / os.environ.get("CARGO_TARGET_DIR", "target")
BINARY = os.environ.get("SIGNET_BIN", str(TARGET / "debug" / "signet"))
EXAMPLE = ROOT / "examples" / "network-notes.toml"
START_WITHIN = 60
STOP_WITHIN = 15
MAX_STEPS = 12


def example_application(identifier):
    """The application of the example, as a relying party's developer would read it there."""
    applications = tomllib.loads(EXAMPLE.read_text("utf-8"))["applications"]
    return next(one for one in applications if one["identifier"] == identifier)


def free_port():
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Signet:
    """A server on an empty installation in `directory`; a context manager that stops it by its process id."""

    def __init__(self, directory):
        self.directory = directory
        self.data = directory / "data"
        port = free_port()
        self.base = f"http://localhost:{port}"
        self.issuer = f"{self.base}/oidc"
        self._arguments = ["--data", self.data, "--listen", f"127.0.0.1:{port}", "--base-url", self.base]

    def __enter__(self):
        self._log = (self.directory / "log").open("w+b")
        command = [BINARY, "serve", *self._arguments]
        self._process = subprocess.Popen(command, stdout=self._log, stderr=self._log)
        try:
            self._wait_until_ready()
        except BaseException:
            self._process.kill()
            raise
        return self

    def __exit__(self, *_):
        self._process.send_signal(signal.SIGTERM)
        try:
            code = self._process.wait(STOP_WITHIN)
        except subprocess.TimeoutExpired:
            self._process.kill()
            raise
        assert code == 0, f"ended with {code}\n{self.log()}"

    def log(self):
        self._log.seek(0)
        return self._log.read().decode(errors="replace")

    def apply(self, file):
        """Runs `signet apply` beside the running server and returns what it printed."""
        command = [BINARY, "apply", "--data", self.data, file]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
        return done.stdout

    def _wait_until_ready(self):
        deadline = time.monotonic() + START_WITHIN
        while time.monotonic() < deadline:
            assert self._process.poll() is None, f"ended before it was ready\n{self.log()}"
            try:
                if requests.get(f"{self.base}/healthz", timeout=5).status_code == 200:
                    return
            except requests.ConnectionError:
                time.sleep(0.05)
        raise TimeoutError(f"not ready in time\n{self.log()}")


class Form(HTMLParser):
    """The forms of a page: `found` is a list of (action, controls), a control being its attributes."""

    def __init__(self, page):
        super().__init__()
        self.found = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        if tag == "form":
            assert attributes.get("method", "get").lower() == "post", "a form that changes something must be posted"
            self.found.append((attributes.get("action", ""), []))
        elif tag in ("input", "button") and "name" in attributes:
            attributes.setdefault("type", "submit" if tag == "button" else "text")
            self.found[-1][1].append(attributes)

    handle_startendtag = handle_starttag


def fill_in(page, answers):
    """The action and the body of the page's only form: hidden fields as they are, the others answered."""
    ((action, controls),) = Form(page).found
    body = []
    for control in controls:
        name, value = control["name"], control.get("value", "")
        if control["type"] == "hidden":
            body.append((name, value))
        elif control["type"] != "submit":
            body.append((name, answers[name]))
        elif answers[name] == value:
            body.append((name, value))
    return action, body


class UserAgent:
    """Keeps cookies, follows redirects, and fills in the forms it meets until it is sent to the callback."""

    def __init__(self):
        self._session = requests.Session()

    def visit(self, url, callback, **answers):
        """Returns the address at the callback, and how many pages had to be answered."""
        answered = 0
        response = self._get(url)
        for _ in range(MAX_STEPS):
            if "location" in response.headers:
                assert response.status_code in (302, 303), response.status_code
                url = urljoin(response.url, response.headers["location"])
                if url.split("?")[0] == callback:
                    return url, answered
                response = self._get(url)
            else:
                assert response.status_code == 200, f"{response.status_code} {response.url}\n{response.text}"
                action, body = fill_in(response.text, answers)
                answered += 1
                response = self._session.post(urljoin(response.url, action), body, allow_redirects=False, timeout=30)
        raise AssertionError(f"still not at {callback} after {MAX_STEPS} steps, now at {response.url}")

    def _get(self, url):
        return self._session.get(url, allow_redirects=False, timeout=30)
