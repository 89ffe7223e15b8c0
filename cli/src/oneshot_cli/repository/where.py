"""Finds the person's repository, and asks their git: only to read, and without running a program of theirs."""

import asyncio
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory, TemporaryFile

from oneshot_shared.errors import BadInput, NotReady, printable

type Config = Mapping[str, tuple[str, ...]]

_KEPT = ("GIT_CEILING_DIRECTORIES", "GIT_DISCOVERY_ACROSS_FILESYSTEM", "GIT_EXEC_PATH", "GIT_ATTR_NOSYSTEM")
_READING = {
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_ALLOW_PROTOCOL": "none",  # an older git fetches what a partial clone lacks: into their object store
    "GIT_TERMINAL_PROMPT": "0",
    "LC_ALL": "C.UTF-8",
    "LANGUAGE": "",
}
_NO_PROGRAMS = (("core.fsmonitor", "false"), ("core.hooksPath", os.devnull))
# else an edit that keeps a file's size and time is missed
_WHOLE_STAT = (("core.trustctime", "true"), ("core.checkStat", "default"))
_OF_A_WORKTREE = ("HEAD", "index", "config.worktree", "info/sparse-checkout")
_TREE = "HEAD^{tree}"
_NO_TREE = f"ambiguous argument '{_TREE}'"
_FACTS = (
    "--show-object-format",
    "--absolute-git-dir",
    "--git-common-dir",
    *("--git-path", "objects"),
    *("--git-path", "index"),
    "--show-toplevel",
    _TREE,  # last: where no commit can be read, git stops here
)
_PATHS = 6


@dataclass(frozen=True)
class Repository:
    """A person's repository as it was found, by absolute paths.

    `top`: the working tree. `git_dir` is this working tree's own, `common_dir` the one it shares with linked ones. `tree`: id of
    HEAD's tree; empty where no commit can be read. `config`: all of theirs, keys as `git config --list` spells them. `environment`:
    what their git is run with.
    """

    top: Path
    git_dir: Path
    common_dir: Path
    objects: Path
    index: Path
    config: Config
    environment: Mapping[str, str]
    tree: str = ""

    def setting(self, key: str) -> str | None:
        """The value that holds of a key: the last one."""
        return self.config[key][-1] if key in self.config else None

    async def ask(self, *arguments: str, stdin: bytes = b"") -> bytes:
        """What their git says at the top of the working tree. :raises CalledProcessError: it failed; its words are `stderr`."""
        return (await self.ask_all(*arguments, stdin=stdin))[0]

    async def ask_all(self, *arguments: str, stdin: bytes = b"") -> tuple[bytes, str]:
        """The same, with its warnings."""
        with self._untouched() as environment:
            return await _run(arguments, self.top, environment, stdin)

    @contextmanager
    def _untouched(self) -> Iterator[Mapping[str, str]]:
        """Git sets the time of a split index's shared part whenever it reads it. It is given a copy then, as a worktree of its own."""
        shared = [*self.git_dir.glob("sharedindex.*")]
        if not shared:
            yield self.environment
            return
        with TemporaryDirectory() as folder:
            (Path(folder) / "info").mkdir()
            of_a_worktree = (self.git_dir / name for name in _OF_A_WORKTREE)
            for file in (*shared, *(each for each in of_a_worktree if each.exists())):
                shutil.copy2(file, folder / file.relative_to(self.git_dir))
            own = {"GIT_DIR": folder, "GIT_COMMON_DIR": str(self.common_dir), "GIT_WORK_TREE": str(self.top)}
            yield {**self.environment, **own}


async def find(folder: Path, environment: Mapping[str, str] = os.environ) -> Repository:
    """The repository that a folder lies in.

    :raises BadInput: there is none, or none that can be captured. NotReady: there is no git.
    """
    plain = _environment(environment)
    listing = asyncio.create_task(_run(["config", "-z", "--list"], folder, plain))
    try:
        said = await _facts(folder, plain)
        config = _config((await listing)[0])
    except subprocess.CalledProcessError as error:
        raise BadInput(_refusal(folder, error)) from None
    except OSError as error:
        raise BadInput(f"{_name(folder)} cannot be entered ({error.strerror}); work in a folder of yours") from None
    finally:
        await asyncio.gather(listing, return_exceptions=True)
    if len(said) not in (_PATHS, _PATHS + 1):
        raise BadInput(
            f"the path of {_name(folder)} holds a line break, with which git is at a loss; rename the folder"
        )
    form, git_dir, common_dir, objects, index, top, *tree = said
    if form != "sha1":
        raise BadInput(
            f"{_name(folder)} lies in a repository of the object format {form}; only sha1 can be captured: work in a clone of that"
        )
    return Repository(
        top=Path(top),
        git_dir=Path(git_dir),
        common_dir=Path(common_dir),
        objects=Path(objects),
        index=Path(index),
        config=config,
        environment=_silenced(plain, config),
        tree="".join(tree),
    )


async def _facts(folder: Path, environment: Mapping[str, str]) -> list[str]:
    try:
        said, _ = await _run(["rev-parse", "--path-format=absolute", *_FACTS], folder, environment)
    except subprocess.CalledProcessError as error:
        if _NO_TREE not in error.stderr:
            raise
        return os.fsdecode(error.output).splitlines()[:-1]  # git repeats what it cannot find
    return os.fsdecode(said).splitlines()


async def _run(
    arguments: Sequence[str], folder: Path, environment: Mapping[str, str], stdin: bytes = b""
) -> tuple[bytes, str]:
    command = ["git", *arguments]
    # not pipes: for millions of bytes, git and this process would wait for each other; and a pipe costs more than a file
    with TemporaryFile() as given, TemporaryFile() as out, TemporaryFile() as err:
        given.write(stdin)
        given.seek(0)
        try:
            process = await asyncio.create_subprocess_exec(
                *command, cwd=folder, env=environment, stdin=given, stdout=out, stderr=err
            )
        except FileNotFoundError:
            if not folder.is_dir():
                raise
            raise NotReady(
                "git is not installed, or not on PATH; install it, for example with `apt-get install git`"
            ) from None
        try:
            await process.wait()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        out.seek(0)
        err.seek(0)
        words = err.read().decode(errors="replace")
        if process.returncode:
            raise subprocess.CalledProcessError(process.returncode, command, output=out.read(), stderr=words)
        return out.read(), words


def _environment(given: Mapping[str, str]) -> dict[str, str]:
    """The person's, without what names another repository or index, or has git write logs."""
    mine = {key: value for key, value in given.items() if not key.startswith("GIT_")}
    kept = {key: value for key, value in given.items() if key in _KEPT or key.startswith("GIT_CONFIG_")}
    return mine | kept | _READING


def _silenced(environment: dict[str, str], config: Config) -> dict[str, str]:
    """With settings by which git starts no filter, hook or monitor, and looks at all of a file's stat."""
    settings = [*_NO_PROGRAMS, *_WHOLE_STAT]
    for key in config:
        if key.startswith("filter."):
            name = key.rpartition(".")[0]
            settings += [(f"{name}.{verb}", "") for verb in ("clean", "smudge", "process")]
            settings.append((f"{name}.required", "false"))
    first = int(environment.get("GIT_CONFIG_COUNT") or 0)
    added = {"GIT_CONFIG_COUNT": str(first + len(settings))}
    for number, (key, value) in enumerate(settings, first):
        added |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
    return environment | added


def _config(listed: bytes) -> Config:
    found: dict[str, tuple[str, ...]] = {}
    for item in os.fsdecode(listed).split("\0")[:-1]:
        key, given, value = item.partition("\n")
        found[key] = (*found.get(key, ()), value if given else "true")  # a key alone is true
    return found


def _refusal(folder: Path, error: subprocess.CalledProcessError) -> str:
    if "not a git repository" in error.stderr:
        return f"{_name(folder)} is in no git repository; run `git init` there, or start the agent in your repository"
    if "dubious ownership" in error.stderr:
        return (
            f"git refuses {_name(folder)}, which belongs to somebody else; if you trust it, run "
            f"`git config --global --add safe.directory {_name(folder)}`"
        )
    if "must be run in a work tree" in error.stderr:  # what git says of a bare one, and within .git
        return f"{_name(folder)} has no working tree (a bare repository, or a .git folder); work in a clone, or above"
    words = error.stderr.strip().splitlines() or [f"it ended with {error.returncode}"]
    return f"git cannot read the repository at {_name(folder)} ({words[-1]}); mend it first"


def _name(folder: Path) -> str:
    return printable(str(folder.absolute()))
