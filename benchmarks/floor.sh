#!/usr/bin/env bash
# The work of run_overhead.py's runs by plain docker CLI: floor.sh TIMES NAME NETWORK. By environment: IMAGE; TREE, its place in
# the image; LABEL; WORK, the folder with what is copied in. The options are those of backends/docker_sandbox.py for this task.
set -euo pipefail
times=$1 name=$2 network=$3 out=$WORK/out-$2
common=(--detach --init --label "$LABEL" --workdir "$TREE" --cap-drop ALL --security-opt no-new-privileges --memory 2g
  --memory-swap 2g --cpus 1 --pids-limit 1024 --ulimit fsize=4294967296 --shm-size 256m --log-driver none)
supervisor=(--user 0:0 --cap-add SETUID --cap-add SETGID --cap-add KILL --cap-add CHOWN --cap-add DAC_OVERRIDE --cap-add FOWNER)
trap 'exit 1' TERM # after the command that is under way: then nothing is made any more

for ((i = 0; i < times; i++)); do
  docker run "${common[@]}" --name "$name-agent" --user agent --network "$network" "$IMAGE" sleep infinity
  docker cp -q "$WORK/solution" "$name-agent:/oneshot"
  docker exec "$name-agent" git apply --whitespace=nowarn /oneshot/solution.patch
  docker cp -q "$name-agent:$TREE" "$out"
  docker rm --force --volumes "$name-agent"

  docker run "${common[@]}" --name "$name-verifier" "${supervisor[@]}" --network none "$IMAGE" sleep infinity
  docker cp -q "$WORK/verify" "$name-verifier:/oneshot"
  docker exec "$name-verifier" sh -c "python3 -I /oneshot/grade.py --plan /oneshot/plan.json --tree $TREE > /oneshot/report.json"
  docker cp -q "$name-verifier:/oneshot/report.json" "$out"
  docker rm --force --volumes "$name-verifier"

  [[ $(<"$out/report.json") == *'"outcome": "passed"'* ]]
  rm -rf "$out"
done
