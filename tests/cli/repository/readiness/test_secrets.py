"""Secrets by name and by content."""

import pytest

from cli.repository.readiness.repo import Repo

KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n"
TOKEN = "ghp_" + "a1B2" * 9


@pytest.mark.parametrize(
    ("name", "content"),
    [
        (".env", "DEBUG=1\nexport API_KEY='hjk3478sdfkjh'\n"),
        ("conf/prod.env", "DB_PASSWORD=s3cr3t-enough\n"),
        (".netrc", "machine example.org login a password b\n"),
        ("keys/id_ed25519", KEY),
        ("server.key", KEY),
        ("cert.p12", "binary"),
        (".aws/credentials", "[default]\naws_secret_access_key = wJalrXUtnFEMI/K7MDENG\n"),
        (".npmrc", "//registry.npmjs.org/:_authToken=0d1c8d2e-1111-2222\n"),
        ("client_secret.json", '{\n "client_secret": "GOCSPX-abcdefghij"\n}'),
        ("notes.md", f"use {TOKEN} to log in"),
    ],
)
async def test_a_file_that_holds_one(repo: Repo, name: str, content: str) -> None:
    repo.write(name, content)
    one = await repo.only("secrets")
    assert (one.level, one.leave_out) == ("warning", (name.encode(),))
    assert not any(word in one.sentence + one.next_step for word in content.split() if len(word) > 12)
    repo.git("add", "-A")
    repo.git("commit", "-qm", "oops")
    found = [each.check for each in await repo.check()]
    assert found == ([] if name == "notes.md" else ["secrets"]), "of what is committed only suspect names are opened"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        (".env", "DEBUG=1\nAPI_KEY=\nTOKEN=${TOKEN}\nSECRET=changeme-please\n"),
        (".env.example", "API_KEY=hjk3478sdfkjh\n"),
        ("cert.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
        (".npmrc", "save-exact=true\n"),
        ("src/secrets.py", "KEY = load()\n"),
        ("id_rsa.pub", "ssh-rsa AAAA\n"),
    ],
)
async def test_a_file_that_holds_none(repo: Repo, name: str, content: str) -> None:
    repo.write(name, content)
    assert [each.check for each in await repo.check()] == ["dirty tree"]


async def test_ignored_ones_are_in_no_task(repo: Repo) -> None:
    repo.commit(".gitignore", ".env\n")
    repo.write(".env", f"TOKEN={TOKEN}\n")
    assert await repo.check() == []


async def test_a_change_that_brings_one(repo: Repo) -> None:
    repo.write("README.md", f"# {TOKEN}\n")
    one = await repo.only("secrets")
    assert "1 tracked file" in one.sentence
    assert not one.mendable
