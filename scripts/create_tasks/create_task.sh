#!/usr/bin/env bash
# usage: scripts/create_tasks/create_task.sh [--model MODEL] "Add ..."
# Lets Codex do a piece of work in this repository, alone, and makes a task of it. Exit code 0: the task is there; its folder is the last line.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
[[ $# -ge 1 && $1 != -h && $1 != --help ]] || { sed -n '2,3s/^# //p' "$0" >&2; exit 2; }
make --silent --directory "$root" .venv/.ready
exec "$root/.venv/bin/oneshot" task create "$@"
