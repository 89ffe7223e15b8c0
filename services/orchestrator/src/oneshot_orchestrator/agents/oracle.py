"""Applies the reference patch: the control that must pass. Our code, not the task's solve.sh."""

from oneshot_orchestrator.contract import Done, Exit, Work
from oneshot_orchestrator.overlay import changes_tar


class Oracle:
    """Lays the reference's files into the tree."""

    needs_model = False
    needs_files = False

    async def work(self, work: Work) -> Done:
        """Lay what the reference changes, remove what it deletes."""
        work.say("lays the reference solution")
        changes = await work.reference()
        await work.sandbox.remove(changes.deleted)
        with changes_tar(changes) as tar:
            await work.sandbox.put(tar, work.sandbox.tree)
        return Done(Exit(0))
