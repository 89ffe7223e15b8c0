"""The first process of a command on this machine: it adopts what its descendants leave behind, so that all can be found.

A script, for `python -I -S local_init.py STATUS_FD LARGEST ARGV...`: runs ARGV in a session of its own with no file larger than
LARGEST bytes, writes its exit code to STATUS_FD, and ends when the last of its descendants has ended.
"""

import ctypes
import errno
import os
import resource
import signal
import sys

_PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h


def main(status: int, largest: int, argv: list[str]) -> None:
    """Run a command, and stay for those whom it leaves behind."""
    if sys.platform == "linux":  # elsewhere a daemon goes to the machine's own init, and is found by its environment
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    os.set_inheritable(status, False)
    command = os.fork()
    if command == 0:
        _become(argv, largest)
    nowhere = os.open(os.devnull, os.O_RDWR)
    for each in (0, 1, 2):  # the outputs are the command's and its children's
        os.dup2(nowhere, each)
    while True:
        try:
            process, state = os.wait()
        except ChildProcessError:
            return
        if process == command:
            code = os.waitstatus_to_exitcode(state)
            os.write(status, str(code if code >= 0 else 128 - code).encode())
            os.close(status)


def _become(argv: list[str], largest: int) -> None:
    code = 126
    try:
        os.setsid()
        for each in (signal.SIGPIPE, signal.SIGXFSZ):  # Python ignores them, and a command would inherit that
            signal.signal(each, signal.SIG_DFL)
        hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
        limit = largest if hard == resource.RLIM_INFINITY else min(largest, hard)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
        os.execvp(argv[0], argv)  # noqa: S606 -- there is no shell on purpose
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ENOTDIR):
            code = 127
        os.write(2, f"{argv[0]} cannot be run: {error.strerror}\n".encode(errors="surrogateescape"))
    finally:
        os._exit(code)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])
