#!/usr/bin/env bash
# usage: scripts/start_synth_workers.sh [--trust]
# Starts the local stack with its forward proxy on port 18080 (or ONESHOT_PROXY_FORWARD_PORT) and says how to record an agent.
# --trust: also add its CA to this machine's trust store, with sudo. No agent that reads CODEX_CA_CERTIFICATE needs it.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
[[ $# -eq 0 || "$*" == --trust ]] || { sed -n '2,4s/^# //p' "$0" >&2; exit 2; }
make --silent --directory "$root" .venv/.ready
export ONESHOT_PROXY_FORWARD_PORT="${ONESHOT_PROXY_FORWARD_PORT:-18080}"
up=$("$root/.venv/bin/oneshot" up)
# one that is at work keeps its port: what it says holds
[[ $up =~ forward\ proxy\ is\ on\ ([^,]+),\ its\ CA\ is\ (.+)\;\ see ]] || { echo "no address in what oneshot up says: $up" >&2; exit 2; }
address=${BASH_REMATCH[1]} ca=${BASH_REMATCH[2]}
cat <<LINES
$up

# record one command:
$root/.venv/bin/oneshot trace record -- codex

# record a whole shell: this opens a session and prints lines like those below with its name and token, until Ctrl-C;
# paste them into another shell
$root/.venv/bin/oneshot trace record
#   export HTTPS_PROXY=http://SESSION:TOKEN@$address
#   export https_proxy=http://SESSION:TOKEN@$address
#   export CODEX_CA_CERTIFICATE=$ca
#   export NODE_EXTRA_CA_CERTS=$ca
LINES
[[ "${1:-}" == --trust ]] || exit 0
store=/usr/local/share/ca-certificates
[[ -d $store ]] || { echo "no $store here: add $ca to the trust store by hand" >&2; exit 2; }
sudo cp "$ca" "$store/oneshot-bench.crt"
sudo update-ca-certificates
