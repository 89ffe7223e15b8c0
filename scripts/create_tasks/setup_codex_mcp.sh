#!/usr/bin/env bash
# usage: scripts/create_tasks/setup_codex_mcp.sh [--uninstall]
# Gives plain `codex` the tools that create tasks: an entry in ~/.codex/config.toml, beside a backup. codex-synth needs none of it.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
[[ $# -eq 0 || "$*" == --uninstall ]] || { sed -n '2,3s/^# //p' "$0" >&2; exit 2; }
make --silent --directory "$root" .venv/.ready
what=install
[[ $# -eq 0 ]] || what=uninstall
exec "$root/.venv/bin/oneshot" mcp "$what"
