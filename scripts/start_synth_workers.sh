#!/usr/bin/env bash
# usage: scripts/start_synth_workers.sh [--trust]
# Starts the local stack with its forward proxy on port 18080 (or ONESHOT_PROXY_FORWARD_PORT) and says how to record an agent.
# --trust: also add its CA to this machine's trust store, with sudo. No agent that reads CODEX_CA_CERTIFICATE needs it.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
[[ $# -eq 0 || "$*" == --trust ]] || { sed -n '2,4s/^# //p' "$0" >&2; exit 2; }
make --silent --directory "$root" .venv/.ready
export ONESHOT_PROXY_FORWARD_PORT="${ONESHOT_PROXY_FORWARD_PORT:-18080}"
"$root/.venv/bin/oneshot" up
ca=${ONESHOT_DATA:-$root/data}/state/mitmproxy/mitmproxy-ca-cert.pem
cat <<LINES

Record a command: $root/.venv/bin/oneshot trace record -- codex
Or a whole shell: $root/.venv/bin/oneshot trace record opens a session, prints its lines, and closes it at Ctrl-C:
  export HTTPS_PROXY=http://SESSION:TOKEN@127.0.0.1:$ONESHOT_PROXY_FORWARD_PORT
  export CODEX_CA_CERTIFICATE=$ca
LINES
[[ "${1:-}" == --trust ]] || exit 0
store=/usr/local/share/ca-certificates
[[ -d $store ]] || { echo "no $store here: add $ca to the trust store by hand" >&2; exit 2; }
sudo cp "$ca" "$store/oneshot-bench.crt"
sudo update-ca-certificates
