"""The grader as a program: it serves until its standard input ends."""

import asyncio
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from oneshot.grader.v1 import grader_pb2, grader_pb2_grpc
from oneshot_shared.client import channel


async def test_it_serves_and_ends_with_its_parent() -> None:
    with tempfile.TemporaryDirectory(prefix="osg-") as folder:
        token = Path(folder) / "token"
        token.write_text("t")
        address = f"unix:{folder}/grader.sock"
        names = {"LISTEN": address, "TOKEN_FILE": str(token), "DATA": folder, "EXIT_ON_STDIN_EOF": "1"}
        env = os.environ | {f"ONESHOT_GRADER_{name}": value for name, value in names.items()}
        program = [sys.executable, "-m", "oneshot_grader.main"]
        process = await asyncio.create_subprocess_exec(*program, env=env, stdin=subprocess.PIPE, stderr=subprocess.PIPE)
        async with channel(address, "t") as opened:
            stub = grader_pb2_grpc.GraderServiceStub(opened)
            expected = b'{"framework": "pytest", "fail_to_pass": ["tests/test_a.py::test_a"]}'
            async with asyncio.timeout(20):
                while True:
                    try:
                        planned = await stub.Plan(grader_pb2.PlanRequest(expected=expected, seed=3))
                        break
                    except ConnectionError:
                        await asyncio.sleep(0.05)
        assert planned.plan.seed == 3
        _, said = await process.communicate()
        assert process.returncode == 0
        assert b'"event": "stopping"' in said
