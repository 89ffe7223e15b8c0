"""How the gateway says no."""

import json

from oneshot_proxy.refusal import BUDGET, Refusal


def test_the_body_has_openais_shape() -> None:
    refusal = Refusal(BUDGET, "token limit 1 reached (2)")
    assert refusal.status == 400
    assert json.loads(refusal.body()) == {
        "error": {
            "message": "token limit 1 reached (2)",
            "type": "invalid_request_error",
            "code": "oneshot_budget_exceeded",
            "param": None,
        }
    }
