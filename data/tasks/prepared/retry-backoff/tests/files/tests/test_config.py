import pytest

from courier import Config, ConfigError


def test_settings_have_defaults():
    assert Config.from_mapping({}) == Config() == Config(timeout=10.0, headers={})


def test_settings_are_read():
    assert Config.from_mapping({"timeout": 2, "headers": {"a": "b"}}) == Config(timeout=2, headers={"a": "b"})


def test_an_unknown_setting_is_refused():
    with pytest.raises(ConfigError, match="unknown setting 'timeuot'"):
        Config.from_mapping({"timeuot": 2})


@pytest.mark.parametrize("timeout", [0, -1, float("nan")])
def test_a_timeout_that_makes_no_sense_is_refused(timeout):
    with pytest.raises(ConfigError, match="give seconds above 0"):
        Config(timeout=timeout)
