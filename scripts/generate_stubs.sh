#!/usr/bin/env bash
# Regenerates the gRPC stubs in shared/src/oneshot from protos/. CI runs it and demands an empty diff.
set -euo pipefail
cd "$(dirname "$0")/.."
out=shared/src
find "$out/oneshot" \( -name '*_pb2*' \) -delete 2>/dev/null || true
mkdir -p "$out/oneshot"
# shellcheck disable=SC2046
uv run --frozen python -m grpc_tools.protoc -Iprotos --python_out="$out" --pyi_out="$out" --grpc_python_out="$out" \
  --mypy_grpc_out="$out" $(find protos -name '*.proto' | sort)
touch "$out/oneshot/py.typed"
