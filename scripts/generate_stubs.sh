#!/usr/bin/env bash
# Regenerates the gRPC stubs in shared/src/oneshot from protos/. CI runs it and demands an empty diff. After `make test`'s set-up.
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH="$PWD/.venv/bin:$PATH"
out=shared/src
find "$out/oneshot" -name '*_pb2*' -delete
mapfile -t protos < <(find protos -name '*.proto' | sort)
python -m grpc_tools.protoc -Iprotos --python_out="$out" --pyi_out="$out" --grpc_python_out="$out" --mypy_grpc_out="quiet:$out" "${protos[@]}"
