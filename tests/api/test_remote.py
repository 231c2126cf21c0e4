"""The whole API from the command line: `cloudmgr login`, `operations` and `call`, against a node
that another process serves."""

from __future__ import annotations

import io
import json
import os
import stat
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from cloudmgr.cli import main
from tests.api.conftest import load
from tests.support.api import PASSWORD, bearer, operations
from tests.support.served import ServedNode

Told = pytest.CaptureFixture[str]

DRAFT = {
    "department_id": "d01", "application_id": "A01", "kind": "new", "reason": "typed in",
    "lines": [{"line": 1, "sku_id": "vm-kunpeng-4c8g", "quantity": 1}],
}  # fmt: skip


@dataclass(frozen=True)
class Ended:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def told(self) -> Any:
        return json.loads(self.out)


class Shell:
    """A person's command line, with a home of its own; it runs in this process, the node it
    speaks to in another."""

    def __init__(self, url: str, home: Path, patch: pytest.MonkeyPatch, told: Told) -> None:
        self.url = url
        self.home = home
        self._patch = patch
        self._told = told
        for name in [each for each in os.environ if each.startswith("CLOUDMGR")]:
            patch.delenv(name)
        patch.setenv("HOME", str(home))
        patch.setenv("XDG_CONFIG_HOME", str(home / "config"))

    def run(self, *arguments: str, given: str = "", **settings: str) -> Ended:
        with self._patch.context() as patch:
            for name, value in settings.items():
                patch.setenv(name, value)
            patch.setattr(sys, "argv", ["cloudmgr", *arguments])
            patch.setattr(sys, "stdin", io.StringIO(given))
            with pytest.raises(SystemExit) as left:
                main()
        out, err = self._told.readouterr()
        return Ended(int(left.value.code or 0), out, err)

    def login(self, name: str, password: str = PASSWORD) -> Ended:
        return self.run("login", self.url, "--login", name, given=password + "\n")

    def call(self, *arguments: str, **settings: str) -> Any:
        ended = self.run("call", *arguments, **settings)
        assert ended.code == 0, ended.err
        return ended.told

    @property
    def kept(self) -> Path:
        return self.home / "config" / "cloudmgr" / "session.json"


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedNode]:
    folder = tmp_path_factory.mktemp("served")
    url = f"sqlite:///{folder}/cloudmgr.db"
    load(url)
    with ServedNode(folder, url) as served:
        yield served


@pytest.fixture
def stranger(
    node: ServedNode,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Shell:
    return Shell(node.url, tmp_path, monkeypatch, capsys)


@pytest.fixture
def shell(stranger: Shell) -> Shell:
    assert stranger.login("d01.user").code == 0
    return stranger


def test_a_sign_in_is_kept_for_its_owner_only(stranger: Shell) -> None:
    ended = stranger.login("d01.user")
    assert "d01.user" in ended.out
    assert stat.S_IMODE(stranger.kept.stat().st_mode) == 0o600
    assert PASSWORD not in stranger.kept.read_text()
    assert json.loads(stranger.kept.read_text())["token"] not in ended.out


def test_a_wrong_password_keeps_nothing(stranger: Shell) -> None:
    ended = stranger.login("d05.user", "a guess")
    assert (ended.code, stranger.kept.exists()) == (1, False)
    assert "bad_credentials" in ended.err


def test_a_password_is_not_sent_over_an_open_network(stranger: Shell) -> None:
    ended = stranger.run("login", "http://cloud.example", "--login", "x", given="secret\n")
    assert ended.code == 1
    assert "TLS" in ended.err


def test_a_stranger_is_told_to_sign_in(stranger: Shell) -> None:
    ended = stranger.run("call", "list_region")
    assert ended.code == 1
    assert "cloudmgr login" in ended.err


def test_a_command_is_given_by_its_name(shell: Shell) -> None:
    drafted = shell.call("draft_request", "--json", json.dumps(DRAFT))
    assert drafted["submitter_id"] == "d01.user"
    id = f"request_id={drafted['id']}"
    assert shell.call("submit_request", "--param", id)["state"] == "unit_signing"
    assert shell.call("get_resource_request", "--param", f"id={drafted['id']}")["version"] > 1


def test_a_body_comes_from_a_file_too(shell: Shell) -> None:
    file = shell.home / "draft.json"
    file.write_text(json.dumps({**DRAFT, "reason": "写在文件里"}), encoding="utf-8-sig")
    assert shell.call("draft_request", "--file", str(file))["reason"] == "写在文件里"


def test_a_key_said_twice_is_one_command_and_every_other_call_has_its_own(shell: Shell) -> None:
    body = json.dumps({**DRAFT, "reason": "once"})
    first, again = (
        shell.call("draft_request", "--json", body, "--key", "the-same-key")["id"] for _ in range(2)
    )
    assert first == again
    assert shell.call("draft_request", "--json", body)["id"] != first


def test_headers_are_parameters_like_any_other(shell: Shell) -> None:
    id = shell.call("draft_request", "--json", json.dumps(DRAFT))["id"]
    stale = ("--param", f"request_id={id}", "--param", 'If-Match="99"')
    ended = shell.run("call", "submit_request", *stale)
    assert (ended.code, "stale_version" in ended.err) == (1, True)


def test_all_pages_of_a_list_come_as_one(shell: Shell) -> None:
    page = shell.call("list_quote", "--param", "limit=7")
    assert len(page["items"]) == 7
    whole = shell.call("list_quote", "--param", "limit=7", "--all")
    ids = [each["id"] for each in whole]
    assert len(ids) > 50
    assert ids == sorted(set(ids))
    filtered = shell.call("list_quote", "--all", "--param", "limit=7", "--param", "pool_id=x86-a")
    assert {each["pool_id"] for each in filtered} == {"x86-a"}


def test_a_file_is_uploaded_and_fetched_again(shell: Shell) -> None:
    content = b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n"
    file, back = shell.home / "stamped.pdf", shell.home / "back.pdf"
    file.write_bytes(content)
    upload = ("--file", str(file), "--param", "organisation_id=d01")
    stored = shell.call("upload_file", *upload)
    assert stored["name"] == "stamped.pdf"
    got = ("--param", f"id={stored['id']}", "--output", str(back))
    assert shell.run("call", "get_file_content", *got).code == 0
    assert back.read_bytes() == content


def test_readings_are_sent_as_they_are(node: ServedNode, stranger: Shell) -> None:
    assert stranger.login("prov1.a").code == 0
    file = stranger.home / "batch.jsonl"
    row = {"resource": "r", "meter": "cpu", "time": "2025-12-01T00:00:00Z", "value": 1}
    file.write_text(json.dumps(row) + "\n")
    sent = ("--param", "pool_id=kunpeng-a", "--param", "batch_id=by-hand", "--file", str(file))
    told = stranger.call("ingest_usage", *sent)
    assert told["id"].endswith("by-hand")


def test_a_refusal_is_the_nodes_own_code_and_sentence(shell: Shell) -> None:
    ended = shell.run("call", "get_resource_request", "--param", "id=REQ-99999999")
    assert ended.code == 1
    assert ended.err.startswith("not_found: there is no ResourceRequest")


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("call", "draft_requests"), "unknown_operation"),
        (("call", "get_resource_request"), "missing_parameter"),
        (("call", "list_quote", "--param", "colour=red"), "unknown_parameter"),
        (("call", "list_quote", "--param", "limit"), "unknown_parameter"),
        (("call", "draft_request", "--json", "{"), "malformed"),
        (("call", "draft_request", "--file", "/no/such/file"), "bad_value"),
        (("call", "get_me", "--all"), "bad_value"),
    ],
)
def test_what_cannot_be_sent_says_why(shell: Shell, arguments: tuple[str, ...], code: str) -> None:
    ended = shell.run(*arguments)
    assert ended.code == 1
    assert ended.err.startswith(code)
    assert "Traceback" not in ended.err


def test_all_operations_of_the_node_are_listed_with_their_roles(shell: Shell) -> None:
    listed = shell.run("operations", "--json").told
    assert {each["id"] for each in listed} == set(operations())
    roles = {each["id"]: each["roles"] for each in listed}
    assert roles["decide_quote"] == "authority"
    found = shell.run("operations", "quote").out
    assert "decide_quote" in found
    assert "draft_request" not in found


def test_a_machine_calls_with_its_token_from_the_environment(
    node: ServedNode, stranger: Shell
) -> None:
    credentials = {"login": "d02.user", "password": PASSWORD}
    token = httpx.post(f"{node.url}/api/v1/sessions", json=credentials).json()["token"]
    body = {"label": "m", "scopes": ["read"], "days": 1}
    issued = httpx.post(f"{node.url}/api/v1/tokens", json=body, headers=bearer(token)).json()
    own = {"CLOUDMGR_URL": node.url, "CLOUDMGR_TOKEN": issued["secret"]}
    assert stranger.call("get_me", **own)["user_id"] == "d02.user"
    ended = stranger.run("call", "draft_request", "--json", json.dumps(DRAFT), **own)
    assert "out_of_scope" in ended.err


def test_a_kept_token_is_shown_to_its_own_node_only(shell: Shell) -> None:
    ended = shell.run("call", "get_me", CLOUDMGR_URL="http://127.0.0.1:9")
    assert ended.code == 1
    assert "unauthenticated" in ended.err


def test_who_signs_out_is_out(node: ServedNode, shell: Shell) -> None:
    token = json.loads(shell.kept.read_text())["token"]
    assert shell.run("logout").code == 0
    assert not shell.kept.exists()
    assert httpx.get(f"{node.url}/api/v1/me", headers=bearer(token)).status_code == 401


def test_a_node_that_is_away_is_told_in_one_sentence(stranger: Shell) -> None:
    own = {"CLOUDMGR_URL": "http://127.0.0.1:9", "CLOUDMGR_TOKEN": "x"}
    ended = stranger.run("call", "get_me", **own)
    assert ended.code == 1
    assert ended.err.startswith("node_unreachable")


def test_the_first_administrators_of_a_production_node_choose_passwords_and_register_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shell = Shell("", tmp_path, monkeypatch, capsys)
    data = ("--data", str(tmp_path / "node"))
    names = ("--name-zh", "示例市", "--name-en", "Sample")
    begin = ("init", *names, "--admins", "sysadmin,secadmin,auditadmin", *data, "--json")
    passwords = shell.run(*begin).told["first_passwords"]
    assert sorted(passwords) == ["auditadmin", "secadmin", "sysadmin"]
    assert shell.run(*begin).code == 1, "once is enough"
    with ServedNode(tmp_path / "node", f"sqlite:///{tmp_path}/node/cloudmgr.db") as served:
        admin = Shell(served.url, tmp_path, monkeypatch, capsys)
        assert admin.login("sysadmin", passwords["sysadmin"]).code == 0
        assert "password_change_due" in admin.run("call", "list_organisation").err
        chosen = {"old_password": passwords["sysadmin"], "new_password": "chosen by myself"}
        admin.call("change_password", "--json", json.dumps(chosen))
        body = {"login": "li", "name": "李", "password": "told by telephone"}
        admin.call("register_user", "--json", json.dumps(body))
    reset = shell.run("reset-password", "secadmin", *data, "--json").told
    assert reset["secadmin"] not in passwords.values()
    assert "not_found" in shell.run("reset-password", "nobody", *data).err
