"""The real Codex CLI as tests configure it: silent but for its model calls, and quick to give up."""

from pathlib import Path

import codex_cli_bin

CODEX = Path(codex_cli_bin.__file__).parent / "bin" / "codex"
MODEL = "gpt-5.5"
QUIET = """
model = "gpt-5.5"
check_for_update_on_startup = false
web_search = "disabled"
{more}
[features]
plugins = false
shell_snapshot = false
unbounded_connection_retries = false
[otel]
metrics_exporter = "none"
[analytics]
enabled = false
[shell_environment_policy]
exclude = ["*KEY*", "*PROXY*"]
"""
PROVIDER = """
model_provider = "oneshot"
[model_providers.oneshot]
name = "oneshot"
base_url = "{base_url}"
wire_api = "responses"
env_key = "{env_key}"
request_max_retries = 0
stream_max_retries = 0
"""


def at_gateway(port: int) -> str:
    """A config.toml whose provider is our gateway; ONESHOT_RUN_KEY holds the run token."""
    return QUIET.format(more=PROVIDER.format(base_url=f"http://127.0.0.1:{port}/v1", env_key="ONESHOT_RUN_KEY"))
