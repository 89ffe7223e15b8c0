"""oneshot mcp: install and uninstall as a person runs them, and the group hidden from the help of the whole."""

import tomllib
from pathlib import Path

from cli.harness import House


def test_install_and_uninstall(house: House) -> None:
    config = Path(house.env["HOME"]) / ".codex" / "config.toml"
    config.parent.mkdir(exist_ok=True)
    config.write_text('# mine\nmodel = "x"\n')
    first, second = house("mcp", "install"), house("mcp", "install")
    assert (first.code, second.code) == (0, 0)
    assert f"are in {config} (before: {config}.before-oneshot)" in first.out
    assert f"were in {config} already" in second.out
    assert "oneshot" in tomllib.loads(config.read_text())["mcp_servers"]
    first, second = house("mcp", "uninstall"), house("mcp", "uninstall")
    assert (first.code, second.code) == (0, 0)
    assert f"are out of {config}." in first.out
    assert f"were not in {config}." in second.out
    assert config.read_text() == '# mine\nmodel = "x"\n'


def test_a_config_that_is_no_toml_is_a_sentence(house: House) -> None:
    config = Path(house.env["HOME"]) / ".codex" / "config.toml"
    config.parent.mkdir(exist_ok=True)
    config.write_text("[broken\n")
    done = house("mcp", "install")
    assert done.code == 2
    assert done.sentence.startswith(f"{config} is no sound TOML (")


def test_it_is_known_but_not_shown(house: House) -> None:
    assert " mcp " not in house("--help").out
    assert "install" in house("mcp", "--help").out


def test_without_a_client_it_leaves(house: House) -> None:
    done = house("mcp")
    assert (done.code, done.out) == (0, "")
