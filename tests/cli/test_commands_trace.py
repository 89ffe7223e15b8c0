"""oneshot trace."""

from cli.harness import House


def test_its_help_names_every_command(house: House) -> None:
    helped = house("trace", "--help")
    assert helped.code == 0
    for name in ("verify", "prune"):
        assert name in helped.out
