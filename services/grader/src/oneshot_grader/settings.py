"""The grader's settings, from ONESHOT_GRADER_… variables."""

from pydantic_settings import SettingsConfigDict

from oneshot_shared.settings import ServiceSettings


class GraderSettings(ServiceSettings):
    """What the grader needs to be told: no more than any service."""

    model_config = SettingsConfigDict(env_prefix="ONESHOT_GRADER_")
