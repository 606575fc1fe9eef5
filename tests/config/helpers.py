"""What tests of experiment files share."""

from __future__ import annotations

from typing import Any

import pytest

from isolet_nn.config.loading import load_experiment
from isolet_nn.errors import ConfigError

IRIS: dict[str, Any] = {"dataset": {"name": "iris"}}


def problems(config: Any, overrides: dict[str, Any] | None = None) -> list[str]:
    """The problems found in a config, a line each, without the source before them."""
    with pytest.raises(ConfigError) as caught:
        load_experiment(config, overrides)
    lines = str(caught.value).splitlines()
    assert all(line.startswith(("experiment: ", "override ")) for line in lines)
    return [line.removeprefix("experiment: ").removeprefix("override ") for line in lines]


def with_iris(**sections: Any) -> dict[str, Any]:
    return {**IRIS, **sections}
