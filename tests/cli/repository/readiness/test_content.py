"""Files that stand in for their content."""

import pytest

from cli.repository.readiness.repo import Repo

POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:" + "0" * 64 + "\nsize 12345\n"


@pytest.mark.parametrize(
    ("check", "content", "command"),
    [
        ("LFS pointers", POINTER, "git lfs pull"),
        ("encrypted files", b"\0GITCRYPT\0\1\2\3", "git-crypt unlock"),
        ("annex pointers", "/annex/objects/SHA256E-s1--0\n", "git annex get"),
    ],
)
async def test_stand_in(repo: Repo, check: str, content: str | bytes, command: str) -> None:
    repo.commit(".gitattributes", "*.bin filter=some\n")
    repo.commit("real.bin", "this is it\n")
    repo.commit("data/model.bin", content)
    one = await repo.only(check)
    assert one.level == "warning"
    assert "'data/model.bin'" in one.sentence
    assert "real.bin" not in one.sentence
    assert f"`{command}`" in one.next_step


async def test_text_about_pointers_is_none(repo: Repo) -> None:
    repo.commit("docs.txt", POINTER)
    assert await repo.check() == []
    repo.commit(".gitattributes", "*.bin filter=lfs\n")
    repo.commit("a.bin", "this is it\n")
    assert (await repo.only("filters")).level == "note"


async def test_filters_are_told_of(repo: Repo) -> None:
    repo.commit(".gitattributes", "*.bin filter=lfs\n*.c filter=indent\n")
    for name in ("a.bin", "b.bin", "c.c"):
        repo.commit(name)
    one = await repo.only("filters")
    assert "the filter 'indent' (1 file), 'lfs' (2 files) are captured as they lie in the working tree" in one.sentence
