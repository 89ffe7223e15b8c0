"""How the proxy says no: OpenAI's error shape, with our own codes, at statuses at which agents stop at once."""

import json

UNKNOWN_TOKEN = "oneshot_unknown_token"  # noqa: S105 -- an error code
BAD_REQUEST = "oneshot_bad_request"
ENDPOINT = "oneshot_endpoint_refused"
MODEL = "oneshot_model_refused"
TOOL = "oneshot_tool_refused"
BUDGET = "oneshot_budget_exceeded"
INTERNAL = "oneshot_internal"
BUSY = "oneshot_too_many_calls"
UNRECORDED = "oneshot_not_recording"
DIVERGED = "oneshot_replay_diverged"
WEBSOCKET = "oneshot_no_websocket"
HOST = "oneshot_host_refused"
WRONG_DOOR = "oneshot_wrong_door"
UPSTREAM = "oneshot_no_answer"


class Refusal(Exception):  # noqa: N818 -- it names what it is, and reads so at every raise
    """A call that is not let through. The message is shown to the agent and recorded."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status

    def body(self) -> bytes:
        """The answer's body."""
        error = {"message": self.message, "type": "invalid_request_error", "code": self.code, "param": None}
        return json.dumps({"error": error}).encode()
