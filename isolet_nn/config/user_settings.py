"""What a person has settled for all runs: a file in the user's folder of settings."""

from __future__ import annotations

import os
from pathlib import Path

from isolet_nn.config.problems import validate
from isolet_nn.config.section import Section
from isolet_nn.config.tracking import Tracking
from isolet_nn.config.yaml_files import read_mapping

SETTINGS_VARIABLE = "ISOLET_NN_CONFIG_DIR"


class UserSettings(Section):
    """What the file of a user's settings may say."""

    tracking: Tracking = None
    """Trackers of runs and sweeps whose files leave that open, and where they are."""


def user_settings_path() -> Path:
    """The file ``settings.yaml`` in the user's folder, or that of ISOLET_NN_CONFIG_DIR."""
    chosen = os.environ.get(SETTINGS_VARIABLE)
    if chosen:
        return Path(chosen).expanduser() / "settings.yaml"
    import platformdirs

    return platformdirs.user_config_path("isolet-nn", appauthor=False) / "settings.yaml"


def user_settings() -> UserSettings:
    """What the file says; nothing where there is none.

    Raises
    ------
    ConfigError
        If it cannot be read, or says what it may not.
    """
    path = user_settings_path()
    if not os.path.lexists(path):
        return UserSettings()
    return validate(UserSettings, read_mapping(path), str(path))
