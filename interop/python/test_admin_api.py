"""The admin API against its own OpenAPI document: Schemathesis makes up requests for a bounded time."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import requests
from harness import ROOT, Signet

ACCOUNT = "64f0c0ffee00000000000001"
SECRET = "0e8a1c5f7b2d49638a1c5f7b2d496380"
OPERATIONS = f"""
[[applications]]
identifier = "operations"
name = "Operations"
type = "api"
grant_types = ["client_credentials"]
accounts = [{{ id = "{ACCOUNT}", secret = "{SECRET}" }}]

[[applications.rules]]
subject = {{ account = "{ACCOUNT}" }}
effect = "allow"
namespace = "pool"
resource = "admin"
actions = "all"
"""
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
# What would take the token of the run away.
UNTOUCHED = [
    "/applications/{app}",
    "/applications/{app}/accounts/{account}",
    "/applications/{app}/accounts/{account}/refresh",
    "/applications/{app}/rules/{rule}",
]
WITHIN = 240


@pytest.fixture(scope="module")
def signet(tmp_path_factory):
    with Signet(tmp_path_factory.mktemp("signet")) as server:
        file = server.directory / "operations.toml"
        file.write_text(OPERATIONS)
        server.apply(file)
        yield server


@pytest.fixture(scope="module")
def token(signet):
    form = {"grant_type": "client_credentials", "client_id": ACCOUNT, "client_secret": SECRET, "scope": "admin:*:*"}
    answer = requests.post(f"{signet.issuer}/token", data=form, timeout=30)
    assert answer.status_code == 200, answer.text
    return answer.json()["access_token"]


def test_the_document_is_what_it_says(signet):
    document = requests.get(f"{signet.base}/api/v1/openapi.json", timeout=30).json()
    assert document["openapi"] == "3.1.0"
    assert document["servers"] == [{"url": f"{signet.base}/api/v1"}]


def test_the_examples_of_the_page_run(signet):
    page = (ROOT / "docs" / "api.md").read_text("utf-8")
    file = signet.directory / "page.toml"
    file.write_text(re.search(r"```toml\n(.*?)```", page, re.S)[1])
    signet.apply(file)
    script = "curl() { command curl --fail-with-body \"$@\"; echo; }\n" + "".join(re.findall(r"```sh\n(.*?)```", page, re.S))
    script = script.replace("base=http://localhost:8080", f"base={signet.base}")
    done = subprocess.run(["bash", "-euo", "pipefail", "-c", script], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    last = json.loads(done.stdout.strip().splitlines()[-1])
    assert last["min_length"] == 12


def test_no_request_that_can_be_made_up_is_answered_otherwise(signet, token):
    program = Path(sys.executable).with_name("schemathesis")
    command = [program, "run", f"{signet.base}/api/v1/openapi.json", "--url", f"{signet.base}/api/v1"]
    command += ["--header", f"Authorization: Bearer {token}", "--checks", CHECKS]
    command += ["--max-time", "60", "--phases", "examples,coverage,fuzzing", "--max-examples", "20", "--seed", "1", "--workers", "1"]
    command += ["--request-timeout", "30", "--max-failures", "20", "--generation-database", "none"]
    for path in UNTOUCHED:
        command += ["--exclude-path", path]
    done = subprocess.run(command, cwd=signet.directory, capture_output=True, text=True, timeout=WITHIN)
    assert done.returncode == 0, done.stdout[-20000:] + done.stderr[-4000:]
