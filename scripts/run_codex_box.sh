#!/usr/bin/env bash
# usage: scripts/run_codex_box.sh TASK [timeout in seconds, 900] [token limit, 50000]
# Runs Codex on a task and grades it. Honours OPENAI_MODEL, OPENAI_API_KEY, RUN_ID and SANDBOX_BACKEND (docker or local).
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
[[ $# -ge 1 && $# -le 3 ]] || { sed -n '2,3s/^# //p' "$0" >&2; exit 2; }
make --silent --directory "$root" .venv/.ready
exec "$root/.venv/bin/oneshot" run "$1" --model "${OPENAI_MODEL:-gpt-5-mini}" --backend "${SANDBOX_BACKEND:-docker}" \
  --timeout "${2:-900}" --token-limit "${3:-50000}"
