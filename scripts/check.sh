#!/usr/bin/env bash
# Every check that runs nothing of the product, fast ones first. `make check` sets up and runs it.
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH="$PWD/.venv/bin:$PATH"
step() { printf '[check] %s\n' "$*"; "$@"; }

step "$(scripts/uv.sh)" lock --quiet --check
step ruff format --check --quiet .
step ruff check --quiet .
step mypy --no-error-summary shared/src/oneshot_shared services/*/src cli/src benchmarks
step lint-imports --no-cache
step buf lint
step buf format --diff --exit-code
# before the first release the contract may still change
if release=$(git describe --tags --abbrev=0 --match 'v*' 2>/dev/null); then
  step buf breaking --against ".git#tag=$release"
fi
step python scripts/settings_page.py --check
step python scripts/help_page.py --check
step scripts/generate_stubs.sh
[[ -z $(git status --porcelain -- shared/src/oneshot) ]] || { git status --short -- shared/src/oneshot; echo "[check] the stubs differ from protos/: run make stubs and commit" >&2; exit 1; }
