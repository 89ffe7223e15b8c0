"""Runs a given shell command in the tree, with the gateway's address and token as OpenAI's usual variables."""

from oneshot_orchestrator.agents.output import Capped
from oneshot_orchestrator.contract import Done, Role, Work


class Command:
    """The command is the agent; its exit code is recorded, its tree is graded."""

    needs_model = False
    needs_files = False

    async def work(self, work: Work) -> Done:
        """Run it with `sh -c`."""
        work.say(work.command[:120])
        env = {}
        if work.token:
            env = {
                "OPENAI_BASE_URL": work.gateway_url,
                "OPENAI_API_KEY": work.token,
                "ANTHROPIC_BASE_URL": work.gateway_url.removesuffix("/v1"),  # Anthropic's own convention
                "ANTHROPIC_API_KEY": work.token,
            }
        with Capped(work.logs / "agent.stdout.log") as out, Capped(work.logs / "agent.stderr.log") as err:
            ended = await work.sandbox.run(
                ["sh", "-c", work.command], role=Role.AGENT, env=env, timeout=work.timeout, out=out, err=err
            )
        return Done(ended, int(ended.code == 0), err.last_words(), broke_off=ended.code > 0)
