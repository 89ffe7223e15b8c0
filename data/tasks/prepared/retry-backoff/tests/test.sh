#!/bin/sh
# Harbor's verifier: root, in a fresh container of the task's image, with the agent's tree in /logs/artifacts/tree.tar.
echo 0 > /logs/verifier/reward.txt
exec python3 -I /tests/grade.py --harbor --tree /app
