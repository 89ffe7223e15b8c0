"""Runs pytest and reports each result as a line of JSON on a pipe that only grade.py reads: grade_launch.py CONFIG FD.

Started with `python -I`, as the user that runs the tests. pytest is imported without the product's paths, also those that an
editable install puts on sys.path; it reads no configuration and loads no plugin of the solution. What Python imports before
this file (sitecustomize) is kept out of the tree by grade_tree.py. Standard library only, Python 3.9+: this file is part of
every task (tests/grade_launch.py) and of every plan.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from typing import Any, TextIO

DETAIL_CHARS, ALL_DETAILS_CHARS = 4096, 2 * 1024 * 1024


class Reporter:
    """A pytest plugin: shuffles by a seed, and writes what was collected and how each test ended."""

    def __init__(self, pipe: TextIO, order: str) -> None:
        self._pipe = pipe
        self._order = order
        self._left = ALL_DETAILS_CHARS

    def write(self, **row: object) -> None:
        """One line, at once: a test may end the process."""
        self._pipe.write(json.dumps(row) + "\n")
        self._pipe.flush()

    def pytest_collection_modifyitems(self, items: list[Any]) -> None:
        """Shuffle files, classes in a file and tests in a class, so that fixtures of a file are still made once."""

        def rank(item: Any) -> list[str]:  # noqa: ANN401 -- pytest is not there when this file is checked
            parts = item.nodeid.split("::")
            return [hashlib.sha256(f"{self._order} {part}".encode("utf-8", "replace")).hexdigest() for part in parts]

        items.sort(key=rank)

    def pytest_collection_finish(self, session: Any) -> None:  # noqa: ANN401
        self.write(when="collected", ids=[item.nodeid for item in session.items])

    def pytest_collectreport(self, report: Any) -> None:  # noqa: ANN401
        if report.failed:
            self.write(id=report.nodeid, when="collect", outcome="failed", detail=self._detail(report))

    def pytest_runtest_logreport(self, report: Any) -> None:  # noqa: ANN401
        subtest = type(report).__name__ == "SubtestReport"  # pytest 9: its test is reported as well
        if report.passed and (subtest or report.when != "call"):
            return
        when = "subtest" if subtest else report.when
        if not (subtest and report.skipped):
            self.write(id=report.nodeid, when=when, outcome=_outcome(report), detail=self._detail(report))

    def _detail(self, report: Any) -> str:  # noqa: ANN401
        if report.passed or self._left <= 0:
            return ""
        detail = report.longreprtext[-DETAIL_CHARS:]
        self._left -= len(detail)
        return str(detail)


def _outcome(report: Any) -> str:  # noqa: ANN401
    if hasattr(report, "wasxfail"):
        return "xfailed" if report.skipped else "xpassed"
    return "error" if report.failed and report.when != "call" else str(report.outcome)


def _within(path: str, folder: str) -> bool:
    path, folder = os.path.realpath(path), os.path.realpath(folder)
    return os.path.commonpath([path, folder]) == folder


def main(config_file: str, fd: str) -> None:
    """Run pytest as the configuration says; never returns."""
    with open(config_file) as file:
        config = json.load(file)
    tree, paths = config["tree"], sys.path[:]
    sys.path[:] = [path for path in paths if _within(path, sys.prefix) or not _within(path, tree)]
    import pytest  # from the image's own bytecode: to compile it anew takes three times as long as the tests

    sys.pycache_prefix = config["bytecode"]  # from here on no bytecode that the product's code could have left is read
    sys.argv[1:] = []
    sys.path[:] = paths + [os.path.join(tree, name) for name in config["python_path"]]
    with open(int(fd), "w") as pipe:
        reporter = Reporter(pipe, config["order"])
        reporter.write(when="start", pytest=pytest.__version__, python=sys.version.split()[0])
        options = ["-c", os.devnull, "--rootdir", tree, "--confcutdir", tree, "-p", "no:cacheprovider", "--color=no"]
        options += ["--tb=short", "-q", "--continue-on-collection-errors", "--", *config["files"]]
        status = int(pytest.main(options, plugins=[reporter]))
        reporter.write(when="finish", exit_status=status)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)  # no exit handler or thread of the product has a say after the end


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
