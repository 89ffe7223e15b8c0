"""Set-ups that a first-time user may have, made for real: each changes a house and says which words must be told."""

import contextlib
import datetime as dt
import os
import secrets
import shutil
import subprocess
import sys
import sysconfig
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from cli.harness import ONESHOT, House, forwarded, lay_task, until

KEY = "sk-canary-9d1f55"
LIVE = ("--agent", "codex", "--model", "gpt-5.5", "--backend", "local")


@dataclass
class Broken:
    """What is wrong: the doctor's check that fails, and words that it and `oneshot run` must both say."""

    check: str
    words: tuple[str, ...]
    env: dict[str, str] = field(default_factory=dict)
    doctor: tuple[str, ...] = ("--backend", "local")
    run: tuple[str, ...] = ("--agent", "nop", "--backend", "local")


DOCKER = {"doctor": ("--backend", "docker"), "run": ("--agent", "nop", "--backend", "docker")}
Setup = Callable[[House, Path], AbstractContextManager[Broken]]
SETUPS: dict[str, Setup] = {}


def setup(make: Callable[[House, Path], Iterator[Broken]]) -> Setup:
    """Add a set-up to the table."""
    made = contextmanager(make)
    SETUPS[make.__name__] = made
    return made


def docker_script(folder: Path, cases: str) -> str:
    """A PATH on which docker is a script that answers some commands itself and else is the real one."""
    real = shutil.which("docker")
    script = folder / "fake" / "docker"
    script.parent.mkdir()
    script.write_text(f'#!/bin/sh\ncase "$*" in\n{cases}\nesac\nexec {real} "$@"\n')
    script.chmod(0o755)
    return f"{script.parent}:{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin"


def path_without(folder: Path, *programs: str) -> str:
    """A PATH with everything that this machine has, except some programs."""
    farm = folder / "farm"
    farm.mkdir()
    for place in ("/usr/local/bin", "/usr/bin", "/bin"):
        for file in Path(place).iterdir():
            if file.name not in programs and not (farm / file.name).is_symlink():
                (farm / file.name).symlink_to(file)
    return f"{Path(sys.executable).parent}:{farm}"


def certificate(file: Path, *, days: int, key: bool = False) -> None:
    """An authority that ends so many days from now; with its key, as mitmproxy keeps its own."""
    now = dt.datetime.now(dt.UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "an authority")])
    private = ec.generate_private_key(ec.SECP256R1())
    made = (
        x509.CertificateBuilder(name, name, private.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=900))
        .not_valid_after(now + dt.timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(private, hashes.SHA256())
    )
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption())
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes((private.private_bytes(*form) if key else b"") + made.public_bytes(serialization.Encoding.PEM))
    file.chmod(0o600)


@contextmanager
def small_disk(folder: Path, megabytes: int) -> Iterator[Path]:
    """A data folder with the example task on a disk of its own."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        if os.environ.get("ONESHOT_REQUIRE_DOCKER") == "1":
            pytest.fail(
                "no tmpfs can be mounted, and ONESHOT_REQUIRE_DOCKER=1 says that this machine can do everything"
            )
        pytest.skip("no tmpfs can be mounted")
    try:
        lay_task(folder / "tasks" / "prepared" / "hello-world")
        yield folder
    finally:
        # a supervisor that has let go of its lock is still a moment from its end, with its log open
        until(lambda: subprocess.run(["umount", str(folder)], capture_output=True, check=False).returncode == 0)


@setup
def no_engine(house: House, tmp: Path) -> Iterator[Broken]:
    words = ("no Docker engine answers at unix:///nonexistent.sock (no socket)", "start Docker", "--backend local")
    yield Broken("Docker engine", words, {"DOCKER_HOST": "unix:///nonexistent.sock"}, **DOCKER)


@setup
def no_docker_command(house: House, tmp: Path) -> Iterator[Broken]:
    words = ("the docker command is missing", "install docker-cli")
    yield Broken("Docker command", words, {"PATH": path_without(tmp, "docker")}, **DOCKER)
    assert house("down", "--force").code == 0  # while the PATH of its processes is still there


@setup
def no_buildx(house: House, tmp: Path) -> Iterator[Broken]:
    path = docker_script(tmp, "buildx*) echo \"docker: 'buildx' is not a docker command.\" >&2; exit 1;;")
    yield Broken("Docker Buildx", ("Docker Buildx is missing", "install docker-buildx"), {"PATH": path}, **DOCKER)


@setup
def hanging_docker(house: House, tmp: Path) -> Iterator[Broken]:
    sleep = f"sleep 61.{secrets.randbelow(10**9):09}"
    path = docker_script(tmp, f"*) {sleep};;")
    yield Broken("Docker command", ("does not answer within", "restart Docker"), {"PATH": path}, **DOCKER)
    sleeping = subprocess.run(["pgrep", "-f", sleep], capture_output=True, text=True, check=False)
    assert sleeping.stdout == "", "a docker that hangs is killed with its children"


@setup
def no_disk(house: House, tmp: Path) -> Iterator[Broken]:
    with small_disk(tmp / "small", 64) as data:
        env = {"ONESHOT_DATA": str(data)}
        yield Broken("disk", (f"MiB are free at {data}, and a run needs 512", "free some space"), env)
        assert house("down", "--force", **env).code == 0


@setup
def read_only_data_folder(house: House, tmp: Path) -> Iterator[Broken]:
    with small_disk(tmp / "sealed", 2048) as data:
        subprocess.run(["mount", "-o", "remount,ro", str(data)], check=True)
        words = (
            f"the data folder {data} cannot be written",
            "a read-only file system",
            "set ONESHOT_DATA to a folder of yours",
        )
        yield Broken("data folder", words, {"ONESHOT_DATA": str(data)}, run=("--agent", "nop", "--backend", "local"))


@setup
def data_folder_is_a_file(house: House, tmp: Path) -> Iterator[Broken]:
    file = tmp / "data"
    file.touch()
    words = (f"the data folder {file} is a file", "set ONESHOT_DATA to a folder")
    yield Broken("data folder", words, {"ONESHOT_DATA": str(file)})


@setup
def socket_path_too_long(house: House, tmp: Path) -> Iterator[Broken]:
    deep = tmp / ("x" * 80)
    deep.mkdir(mode=0o700)
    words = (f"the path {deep}", "is too long for a socket", "set ONESHOT_RUNTIME to a shorter one")
    yield Broken("socket folder", words, {"ONESHOT_RUNTIME": str(deep)})


@setup
def socket_folder_open_to_others(house: House, tmp: Path) -> Iterator[Broken]:
    (tmp / "open").mkdir(mode=0o755)
    words = (f"{tmp / 'open'} must be a folder of yours with mode 0700", "set ONESHOT_RUNTIME")
    yield Broken("socket folder", words, {"ONESHOT_RUNTIME": str(tmp / "open")})


@setup
def no_key(house: House, tmp: Path) -> Iterator[Broken]:
    words = ("no key for provider 'openai'", "export OPENAI_API_KEY", "oneshot demo")
    yield Broken("model key", words, {"OPENAI_API_KEY": ""}, run=LIVE)


@setup
def malformed_key(house: House, tmp: Path) -> Iterator[Broken]:
    words = ("the value of OPENAI_API_KEY holds a space, line break", "export it again")
    yield Broken("provider settings", words, {"OPENAI_API_KEY": f"{KEY}\nexport"}, run=LIVE)


@setup
def malformed_base_url(house: House, tmp: Path) -> Iterator[Broken]:
    words = ("it is 'api.example.com'", "set OPENAI_BASE_URL to a URL that begins with http://")
    yield Broken("model key", words, {"OPENAI_BASE_URL": "api.example.com"}, run=LIVE)


@setup
def wrong_token(house: House, tmp: Path) -> Iterator[Broken]:
    assert house("up").code == 0
    (tmp / "token").write_text("another")
    with forwarded(house.runtime / "orchestrator.sock") as port:
        there = ("--endpoint", f"127.0.0.1:{port}")
        words = ("the call's token is missing or wrong", "use the token file of this stack")
        env = {"ONESHOT_TOKEN_FILE": str(tmp / "token")}
        yield Broken("endpoint", words, env, there, ("--agent", "nop", *there))


@setup
def port_of_the_stack_taken(house: House, tmp: Path) -> Iterator[Broken]:
    (tmp / "token").write_text("any")
    server = HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    serving = threading.Thread(target=server.serve_forever)
    serving.start()
    where = f"127.0.0.1:{server.server_port}"
    there, env = ("--endpoint", where), {"ONESHOT_TOKEN_FILE": str(tmp / "token")}
    with contextlib.redirect_stderr(None):
        yield Broken(
            "endpoint", (f"no stack answers at {where}", "start one there"), env, there, ("--agent", "nop", *there)
        )
    server.shutdown()
    server.server_close()
    serving.join()


@setup
def stale_authority(house: House, tmp: Path) -> Iterator[Broken]:
    certificate(tmp / "ca.pem", days=-400)
    ended = dt.datetime.now(dt.UTC) - dt.timedelta(days=400)
    words = (
        f"ONESHOT_PROXY_UPSTREAM_CA names {tmp / 'ca.pem'}, which expired on {ended:%Y-%m-%d}",
        "set it to a PEM file",
    )
    yield Broken("certificates", words, {"ONESHOT_PROXY_UPSTREAM_CA": str(tmp / "ca.pem")})


@setup
def stale_ca_of_the_proxy(house: House, tmp: Path) -> Iterator[Broken]:
    folder = house.data / "state" / "mitmproxy"
    certificate(folder / "mitmproxy-ca.pem", days=-400, key=True)
    words = (f"the proxy's CA is {folder / 'mitmproxy-ca.pem'}, which expired on", f"rm -r {folder}")
    yield Broken("proxy CA", words)
    shutil.rmtree(folder)


@setup
def broken_ca_of_the_proxy(house: House, tmp: Path) -> Iterator[Broken]:
    folder = house.data / "state" / "mitmproxy"
    folder.mkdir(parents=True)
    (folder / "mitmproxy-ca.pem").write_text("not PEM")
    words = (f"the proxy's CA is {folder / 'mitmproxy-ca.pem'}, which holds no certificate", f"rm -r {folder}")
    yield Broken("proxy CA", words)
    shutil.rmtree(folder)


@setup
def unknown_setting(house: House, tmp: Path) -> Iterator[Broken]:
    words = ("ONESHOT_PROXY_GATEWAI_PORT is no setting", "did you mean 'ONESHOT_PROXY_GATEWAY_PORT'?")
    yield Broken("service settings", words, {"ONESHOT_PROXY_GATEWAI_PORT": "1"})


@setup
def unknown_backend(house: House, tmp: Path) -> Iterator[Broken]:
    asked = ("--backend", "dokcer")
    words = ("backend 'dokcer' is unknown", "did you mean 'docker'?", "this stack has: docker, local")
    yield Broken("backend", words, {}, asked, ("--agent", "nop", *asked))


@setup
def no_git(house: House, tmp: Path) -> Iterator[Broken]:
    words = ("the git command is missing", "install git")
    yield Broken("git", words, {"PATH": path_without(tmp, "git")})
    assert house("down", "--force").code == 0  # while the PATH of its processes is still there


@setup
def broken_codex(house: House, tmp: Path) -> Iterator[Broken]:
    python, binary = installed_with_codex(tmp)
    house.program = (python, "-m", "oneshot_cli.entry")
    words = (f"the Codex at {binary} does not run", "install it again with", "openai-codex-cli-bin==")
    try:
        yield Broken("Codex for runs", words, run=LIVE)
    finally:
        house.program = (ONESHOT,)


def installed_with_codex(tmp: Path, script: str = "") -> tuple[str, Path]:
    """An install like this one, whose Codex is a download that was cut off, or a script: its Python, and Codex's path."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(tmp / "v")], check=True)
    (packages,) = (tmp / "v" / "lib").glob("python*/site-packages")
    (packages / "all.pth").write_text(f"import site; site.addsitedir({sysconfig.get_path('purelib')!r})\n")
    binary = packages / "codex_cli_bin" / "bin" / "codex"
    binary.parent.mkdir(parents=True)
    find = f"from pathlib import Path\n\ndef bundled_codex_path():\n    return Path({str(binary)!r})\n"
    (packages / "codex_cli_bin" / "__init__.py").write_text(find)
    binary.write_bytes(script.encode() or b"\x7fELF\x02\x01\x01" + bytes(500))
    binary.chmod(0o755)
    return str(tmp / "v" / "bin" / "python"), binary
