"""The command that writes lessons."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from isolet_nn.cli.settings import read_experiment
from isolet_nn.errors import ConfigError
from isolet_nn.terminal.completion import complete_experiment
from isolet_nn.terminal.options import DataDir, Epochs, Label, Seed, Set


def lesson(
    config: Annotated[
        str,
        typer.Argument(
            help="A YAML file, the name of a shipped config, or a table.",
            autocompletion=complete_experiment,
        ),
    ] = "xor",
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="FILE", help="The page.")
    ] = Path("lesson.html"),
    label: Label = None,
    settings: Set = None,
    seed: Seed = None,
    epochs: Epochs = None,
    data_dir: DataDir = None,
) -> None:
    """Train networks and write a page that shows how they learn.

    Of two inputs (xor, moons, spirals, a table of two columns), each number of a
    small network can be followed; a table needs --set model.hidden_layers=[8].
    Of more inputs (isolet), it shows what reaches the layers of 126 networks, which
    takes minutes; --epochs 2 is enough for a first look.
    """
    from isolet_nn.lesson.writing import write_lesson
    from isolet_nn.system.files import why_not_written
    from isolet_nn.terminal.streams import print_line, print_message

    if why := why_not_written(output):
        raise ConfigError(f"--output {output}: {why}")
    options = {"seed": seed, "training.epochs": epochs, "dataset.label": label}
    write_lesson(read_experiment(config, settings, options, data_dir), output, print_message)
    print_line(output)
