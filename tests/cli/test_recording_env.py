"""What a recorded command's environment says."""

from pathlib import Path

import pytest

from oneshot_cli import recording_env
from oneshot_cli.recording_env import ADDED, REPLACING


def test_every_kind_of_agent_finds_our_authority(tmp_path: Path) -> None:
    found = recording_env.written(tmp_path, "OURS", {})
    assert set(found) == {*ADDED, *REPLACING}
    assert {Path(found[name]).read_text().strip() for name in ADDED} == {"OURS"}
    for name in REPLACING:
        text = Path(found[name]).read_text()
        assert text.startswith("OURS\n")
        assert text.count("BEGIN CERTIFICATE") > 10, "this machine's roots are trusted still"


def test_what_was_trusted_stays_so(tmp_path: Path) -> None:
    mine = {name: str(tmp_path / name) for name in (*ADDED, *REPLACING)}
    for name, file in mine.items():
        Path(file).write_text(f"<{name}>")
    (tmp_path / "made").mkdir()
    found = recording_env.written(tmp_path / "made", "OURS", mine)
    assert Path(found["NODE_EXTRA_CA_CERTS"]).read_text() == "OURS\n<CODEX_CA_CERTIFICATE>\n<NODE_EXTRA_CA_CERTS>"
    whole = Path(found["REQUESTS_CA_BUNDLE"]).read_text()
    assert all(f"<{name}>" in whole for name in mine)


@pytest.mark.parametrize("nothing", [{}, {"CODEX_CA_CERTIFICATE": ""}, {"NODE_EXTRA_CA_CERTS": "/nowhere"}])
def test_authorities_that_are_not_there(tmp_path: Path, nothing: dict[str, str]) -> None:
    assert Path(recording_env.written(tmp_path, "OURS", nothing)["CODEX_CA_CERTIFICATE"]).read_text() == "OURS"


def test_a_machine_without_roots_keeps_its_programs_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording_env, "_system_roots", str)
    assert set(recording_env.written(tmp_path, "OURS", {})) == set(ADDED)


def test_no_model_is_asked_past_the_recorder() -> None:
    assert recording_env.routes("http://p", {}) == {"HTTPS_PROXY": "http://p", "https_proxy": "http://p"}
    given = {"NO_PROXY": "localhost, .openai.com,127.0.0.1", "no_proxy": "*,localhost"}
    found = recording_env.routes("http://p", given)
    assert found["NO_PROXY"] == found["no_proxy"] == "localhost,127.0.0.1"


def test_what_gives_way_is_said_without_its_secrets() -> None:
    assert recording_env.notes({"NO_PROXY": "localhost"}) == []
    proxied, past = recording_env.notes({"https_proxy": "http://me:secret@corp:3128", "no_proxy": "a.example,*"})
    assert proxied.startswith("the proxy that this shell names is not used while recording")
    assert "secret" not in proxied
    assert past.startswith("NO_PROXY is set aside while recording (a.example, *)")
