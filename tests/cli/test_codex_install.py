"""The person's config.toml: our table goes in and out, and nothing else changes, not a comment, not a blank."""

import stat
import tomllib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cli.test_codex_config import listed
from oneshot_cli import codex_config, codex_install
from oneshot_shared.errors import BadInput, NotReady

RICH = """\
# mine
model = "gpt-5.5"   # a good one
notify = [
  "a",  # first
]

[projects."/home/me/x"]
trust_level = "trusted"

[mcp_servers.other]   # theirs
command = "other"
args = ["--flag"]

[mcp_servers.other.env]
A = "1"

[[hooks.x]]
a = 1


[tui]
theme = 'dark'
"""
WRITINGS = {
    "nothing": "",
    "rich": RICH,
    "no servers": '# only\nmodel = "x"',
    "crlf": RICH.replace("\n", "\r\n"),
    "inline": 'model = "x"\nmcp_servers = { other = { command = "o" } }\n',
    "empty table": "[mcp_servers]\n",
    "bom less": "a = 1\n\n\n# the end",
    "quoted": '["mcp_servers"."other"]\ncommand = "o"\n',
    "theirs of that name": '[mcp_servers.oneshot]  # old\ncommand = "old"\nenabled = false\n\n[x]\na = 1\n',
    "theirs with a table below": '[mcp_servers.oneshot]\ncommand = "old"\n[mcp_servers.oneshot.env]\nA = "1"\n[x]\na = 1\n',
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "config.toml"


def ours(file: Path) -> object:
    return tomllib.loads(file.read_text()).get("mcp_servers", {}).get("oneshot")


@pytest.mark.parametrize("text", WRITINGS.values(), ids=WRITINGS)
def test_it_goes_in_and_out_again(file: Path, text: str) -> None:
    before = text.encode()
    file.write_bytes(before)
    assert codex_install.install(file)
    assert ours(file) == codex_config.installed()
    assert codex_install.backup_file(file).read_bytes() == before
    kept = [line for line in text.splitlines() if "oneshot" not in text and "mcp_servers = " not in line]
    assert [line for line in kept if line not in file.read_bytes().decode().splitlines()] == []
    again = file.read_bytes()
    assert not codex_install.install(file)
    assert file.read_bytes() == again
    assert codex_install.uninstall(file)
    assert file.read_bytes() == before
    assert [each.name for each in file.parent.iterdir()] == ["config.toml"]
    assert not codex_install.uninstall(file)


@pytest.mark.parametrize("text", WRITINGS.values(), ids=WRITINGS)
def test_what_was_changed_meanwhile_stays(file: Path, text: str) -> None:
    file.write_bytes(text.encode())
    codex_install.install(file)
    file.write_bytes(file.read_bytes() + b'\n[new]\n# by hand\na = "b"\n')
    codex_install.uninstall(file)
    wanted = tomllib.loads(text + '\n[new]\na = "b"\n')
    assert tomllib.loads(file.read_bytes().decode()) == {key: value for key, value in wanted.items() if value}
    assert b"# by hand" in file.read_bytes()


def test_without_a_config_one_is_made_and_taken_away(tmp_path: Path) -> None:
    file = tmp_path / "new" / "config.toml"
    assert codex_install.install(file)
    assert (stat.S_IMODE(file.stat().st_mode), stat.S_IMODE(file.parent.stat().st_mode)) == (0o600, 0o700)
    assert not codex_install.backup_file(file).exists()
    assert codex_install.uninstall(file)
    assert list(file.parent.iterdir()) == []


def test_codex_reads_it(tmp_path: Path) -> None:
    home = tmp_path / "home"
    codex_install.install(codex_install.config_file({"CODEX_HOME": str(home)}))
    assert listed(home) == listed(tmp_path / "other", *codex_config.overrides({}))


def test_an_older_installation_is_renewed_and_the_first_backup_kept(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.write_text(RICH)
    newer = codex_config.installed()
    monkeypatch.setattr(codex_config, "installed", lambda: newer | {"command": "/gone/oneshot", "tool_timeout_sec": 7})
    assert codex_install.install(file)
    monkeypatch.undo()
    assert codex_install.install(file)
    assert ours(file) == newer
    assert codex_install.backup_file(file).read_text() == RICH
    assert codex_install.uninstall(file)
    assert file.read_text() == RICH


def test_a_link_is_followed_and_stays(tmp_path: Path) -> None:
    (tmp_path / "dotfiles").mkdir()
    real = tmp_path / "dotfiles" / "codex.toml"
    real.write_text(RICH)
    real.chmod(0o640)
    link = tmp_path / "home" / "config.toml"
    link.parent.mkdir()
    link.symlink_to(real)
    file = codex_install.config_file({"CODEX_HOME": str(link.parent)})
    codex_install.install(file)
    assert link.is_symlink()
    assert ours(link) == codex_config.installed()
    assert stat.S_IMODE(real.stat().st_mode) == 0o640
    assert (tmp_path / "dotfiles" / "codex.toml.before-oneshot").read_text() == RICH
    codex_install.uninstall(file)
    assert real.read_text() == RICH


def test_where_it_is() -> None:
    assert codex_install.config_file({"HOME": "/h"}) == Path("/h/.codex/config.toml")
    assert codex_install.config_file({"HOME": "/h", "CODEX_HOME": "/c"}) == Path("/c/config.toml")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"[mcp_servers\n", r"is no sound TOML \(.*line 1.*\), so it was left as it is; mend that line"),
        (b"a = 1\na = 2\n", "is no sound TOML"),
        (b"\xff\xfe", "is no sound TOML"),
        (b"mcp_servers = 3\n", "mcp_servers is 3, not a table"),
    ],
)
def test_what_cannot_be_edited_is_left_as_it_is(file: Path, content: bytes, words: str) -> None:
    file.write_bytes(content)
    for edit in (codex_install.install, codex_install.uninstall):
        with pytest.raises(BadInput, match=words):
            edit(file)
    assert file.read_bytes() == content
    assert [each.name for each in file.parent.iterdir()] == ["config.toml"]


def test_what_no_table_can_be_added_to_is_left_as_it_is(file: Path) -> None:
    before = 'mcp_servers.other.command = "o"\nmodel = "x"\n'
    file.write_text(before)
    with pytest.raises(
        BadInput, match=r"left as it is; add these settings by hand.*\n\[mcp_servers.oneshot\]\ncommand = "
    ):
        codex_install.install(file)
    assert file.read_text() == before


def test_a_folder_that_cannot_be_made() -> None:
    with pytest.raises(NotReady, match=r"/proc/none/config.toml cannot be written \(.*\), so nothing was changed"):
        codex_install.install(Path("/proc/none/config.toml"))


def test_a_folder_in_the_place_of_the_file(file: Path) -> None:
    file.mkdir()
    with pytest.raises(NotReady, match="cannot be read"):
        codex_install.install(file)


KEYS = st.sampled_from(["a", "mcp_servers", "other", "oneshot", '"x y"'])
LINES = st.lists(
    st.one_of(
        st.builds("[{}]".format, KEYS),
        st.builds("[{}.{}]".format, KEYS, KEYS),
        st.builds("[{}.{}.{}]".format, KEYS, KEYS, KEYS),
        st.builds("[[{}]]".format, KEYS),
        st.builds(
            "{} = {}".format, KEYS, st.sampled_from(["1", '"t"', "[1, 2]", "{ other = { b = 1 } }", "'''\nx\n'''"])
        ),
        st.builds("{}.{} = 1".format, KEYS, KEYS),
        st.builds("# {}".format, KEYS),
        st.just(""),
    ),
    max_size=8,
)


@settings(max_examples=300, deadline=None)
@given(LINES, st.sampled_from(["\n", "\r\n"]))
def test_any_config_is_the_same_after_both_or_refused_untouched(
    tmp_path_factory: pytest.TempPathFactory, lines: list[str], ending: str
) -> None:
    file = tmp_path_factory.mktemp("config") / "config.toml"
    before = ending.join(lines).encode()
    file.write_bytes(before)
    try:
        codex_install.install(file)
    except BadInput:
        assert file.read_bytes() == before
        return
    assert ours(file) == codex_config.installed()
    codex_install.uninstall(file)
    assert file.read_bytes() == before
