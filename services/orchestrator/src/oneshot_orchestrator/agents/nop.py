"""Does nothing: the control that must fail."""

from oneshot_orchestrator.contract import Done, Exit, Work


class Nop:
    """Leaves the tree as it is."""

    needs_model = False
    needs_files = False

    async def work(self, work: Work) -> Done:
        """Nothing."""
        work.say("does nothing")
        return Done(Exit(0))
