#!/usr/bin/env bash
# Prints the path of a working uv; installs one into .cache/uv where there is none.
set -euo pipefail
cd "$(dirname "$0")/.."
if uv --version >/dev/null 2>&1; then
  command -v uv
elif [[ -x .cache/uv/bin/uv ]]; then
  echo "$PWD/.cache/uv/bin/uv"
else
  echo "[setup] installing uv into .cache/uv" >&2
  python3 -m venv .cache/uv >&2 || { echo "[setup] python3 cannot make a virtual environment: install python3-venv, or uv itself" >&2; exit 2; }
  .cache/uv/bin/pip install --quiet --disable-pip-version-check uv >&2
  echo "$PWD/.cache/uv/bin/uv"
fi
