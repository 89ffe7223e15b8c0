"""What the start-up benchmark prints; never how long it took."""

from benchmarks import programs


async def test_all_are_measured() -> None:
    code, out, err = await programs.run("startup.py", "--json", "--repeat", "1")
    assert (code, err) == (0, "")
    assert list(programs.judged(out)) == ["startup_version", "startup_help", "startup_mcp"]


async def test_people_get_a_table() -> None:
    code, out, _ = await programs.run("startup.py", "--repeat", "1")
    assert code == 0
    assert [line.split()[0] for line in out.splitlines()] == ["ours", "startup_version", "startup_help", "startup_mcp"]
