"""What the tools are called with over HTTP: as on a person's machine, and the trees, which the client has to make and send."""

from dataclasses import replace
from typing import Annotated

from pydantic import BeforeValidator, Field, WithJsonSchema

from oneshot_shared import capture_arguments as shared
from oneshot_shared.capture_arguments import Words
from oneshot_shared.capture_tools import TOOLS, Tool

HOW = (
    "Trees are sent as a git pack: `printf '%s\\n' BASE_TREE END_TREE | git pack-objects --revs --stdout | curl --fail -T - -H "
    '"Authorization: Bearer $TOKEN" URL/packs` answers its digest, and `git write-tree` with a GIT_INDEX_FILE of your own makes the id '
    "of a tree."
)
_TASK_ID = "As repo.start_task.v1 answered it."
_PACK = "Digest of the pack that holds {}, as PUT /packs answered it."


def _id(value: object) -> str:
    return value.strip().lower() if isinstance(value, str) else ""


ObjectId = Annotated[str, BeforeValidator(_id), WithJsonSchema({"type": "string"})]


class StartTask(shared.StartTask):
    """Of repo.start_task.v1."""

    base_tree: ObjectId = Field(description=f"Id of the git tree where the work begins (40 hexadecimal digits). {HOW}")
    session_id: Words = Field("", description="The proxy's session that records the work, where there is one.")


class EndTask(shared.EndTask):
    """Of repo.end_task.v1."""

    end_tree: ObjectId = Field(description="Id of the git tree where the work ended.")
    pack: ObjectId = Field(description=_PACK.format("both trees"))
    task_id: Words = Field(description=_TASK_ID)


class CheckReadiness(shared.CheckReadiness):
    """Of repo.check_readiness.v1."""

    base_tree: ObjectId = Field("", description="Id of the git tree where the work would begin.")
    pack: ObjectId = Field("", description=_PACK.format("that tree"))


class TaskStatus(shared.TaskStatus):
    """Of repo.task_status.v1."""

    task_id: Words = Field(description=_TASK_ID)


class AbortTask(shared.AbortTask):
    """Of repo.abort_task.v1."""

    task_id: Words = Field(description=_TASK_ID)


_MINE = {each.__name__: each for each in (StartTask, EndTask, CheckReadiness, TaskStatus, AbortTask)}
OFFERED: tuple[Tool, ...] = tuple(
    replace(tool, arguments=_MINE.get(tool.arguments.__name__, tool.arguments)) for tool in TOOLS
)
"""The tools as this transport offers them."""
