#!/usr/bin/env bash
# usage: scripts/create_tasks/setup_codex_mcp.sh [--remove]
# Adds the tools for creating tasks to the config.toml of Codex, for those who start plain `codex`. codex-synth needs none of it.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
[[ $# -eq 0 || "$*" == --remove ]] || { sed -n '2,3s/^# //p' "$0" >&2; exit 2; }
make --silent --directory "$root" .venv/.ready
[[ $# -eq 0 ]] || exec "$root/.venv/bin/oneshot" mcp uninstall
exec "$root/.venv/bin/oneshot" mcp install
