"""Commands that use a trained model: predict, export."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from isolet_nn.cli.choice import Best, TrialNumber, choose
from isolet_nn.terminal.completion import complete_run
from isolet_nn.terminal.options import one_of

if TYPE_CHECKING:
    from isolet_nn.data.reading import Source
    from isolet_nn.results.models import TrainedModel
    from isolet_nn.results.prediction import Output

Model = Annotated[
    Path,
    typer.Argument(
        metavar="MODEL",
        help="A run's folder, a sweep's (its best, or --trial), or a .safetensors file.",
        autocompletion=complete_run,
    ),
]
_STREAM = "-"


def predict(
    path: Model,
    table: Annotated[
        str,
        typer.Argument(metavar="TABLE", help="A CSV, TSV or Parquet file; - is standard input."),
    ],
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="A .csv, .tsv, .csv.gz or .parquet file; without it, standard output.",
        ),
    ] = None,
    proba: Annotated[
        bool, typer.Option("--proba", help="Add probability_CLASS for each class.")
    ] = False,
    keep: Annotated[
        list[str] | None,
        typer.Option("--keep", metavar="COLUMN", help="Hand on a column; repeatable."),
    ] = None,
    group: Annotated[
        str | None,
        typer.Option(
            "--group",
            metavar="COLUMN",
            help="Which rows belong together, for a model that adapts to speakers or groups; "
            "without it, the column that is called as in training.",
        ),
    ] = None,
    trial: TrialNumber = None,
    best: Best = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Show neither progress nor scores.")
    ] = False,
) -> None:
    """Predict the class of each row of a table, whose columns are found by name in any order.

    Where the table has the column of the classes, scores are told on standard error.
    """
    from isolet_nn.results.models import load_model
    from isolet_nn.results.prediction import file_output
    from isolet_nn.terminal.streams import print_message

    chosen = _choose(path, trial, best)
    source: Source = sys.stdin.buffer if table == _STREAM else Path(table)
    kept = keep or []
    if output is None or str(output) == _STREAM:
        _predict_to_stream(chosen, source, kept, group, proba=proba, quiet=quiet)
        return
    model = load_model(chosen)
    with file_output(output, model, proba=proba, keep=kept) as written:
        rows = _predict(
            model, chosen, source, written, kept, group, quiet=quiet, shows_progress=not quiet
        )
    if not quiet:
        print_message(f"written: {output}, {rows:,} rows")


def export(
    path: Model,
    to: Annotated[
        str, typer.Option("--to", help="The format to export to.", **one_of("--to", "onnx"))
    ] = "onnx",
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", metavar="FILE", help="The file; model.onnx with the model."),
    ] = None,
    trial: TrialNumber = None,
    best: Best = False,
) -> None:
    """Write a model as one file for other programs, preprocessing and class names included.

    An ONNX graph takes the columns of the table, and gives the names and probabilities of classes.
    """
    from isolet_nn.errors import ConfigError
    from isolet_nn.results.models import load_model
    from isolet_nn.results.onnx_graph import export_onnx, lossy_columns
    from isolet_nn.system.files import why_not_written
    from isolet_nn.terminal.streams import print_line, print_message

    chosen = _choose(path, trial, best)
    model = load_model(chosen).model
    if output is None:
        is_file = chosen.is_file()
        output = chosen.with_suffix(f".{to}") if is_file else chosen / f"model.{to}"
        output.parent.mkdir(exist_ok=True, parents=True)  # of a trial there may be none
    elif why := why_not_written(output):
        raise ConfigError(f"--output {output}: {why}")
    written = export_onnx(model, output)
    for name in lossy_columns(model):
        print_message(
            f"warning: column {name!r} has numbers so large beside their spread that the graph's "
            "float32 inputs lose digits that count; training.dtype: float64 keeps them"
        )
    print_line(written)


def _predict_to_stream(
    chosen: Path,
    source: Source,
    keep: Sequence[str],
    group: str | None,
    *,
    proba: bool,
    quiet: bool,
) -> None:
    from isolet_nn.errors import printable
    from isolet_nn.results.models import load_model
    from isolet_nn.results.prediction import CsvOutput, output_columns

    model = load_model(chosen)
    is_terminal = sys.stdout.isatty()
    columns = output_columns(model, proba=proba, keep=keep)
    output = CsvOutput(sys.stdout, columns, text=printable if is_terminal else str)
    try:
        progress = not (quiet or is_terminal)
        _predict(model, chosen, source, output, keep, group, quiet=quiet, shows_progress=progress)
        output.flush()
    except BrokenPipeError:
        pass  # who reads has seen enough


def _predict(
    model: TrainedModel,
    chosen: Path,
    source: Source,
    output: Output,
    keep: Sequence[str],
    group: str | None,
    *,
    quiet: bool,
    shows_progress: bool,
) -> int:
    """Predict all rows with the model that was chosen; return their number."""
    from isolet_nn.results.prediction import predict_blocks
    from isolet_nn.results.prediction_scores import PredictionScores
    from isolet_nn.results.training_table import is_training_table
    from isolet_nn.terminal.predictions import (
        PredictionProgress,
        print_prediction_scores,
        print_unseen,
    )
    from isolet_nn.terminal.streams import print_message

    scores = PredictionScores(model.model.classes)
    unseen: Counter[str] = Counter()
    with PredictionProgress(shows_progress) as progress:
        for block in predict_blocks(
            model, source, keep=keep, group=group, scores=scores, on_share=progress.hear_share
        ):
            output.write(block)
            unseen.update(block.unseen)
            progress.advance(len(block))
    print_unseen(unseen, progress.rows)
    label = model.model.preprocessing.label
    if label is not None and not quiet:
        print_prediction_scores(scores, label, model.adapted_to)
        if scores.n and isinstance(source, Path) and is_training_table(source, chosen):
            print_message(
                "the model was trained on this very table, so that is no test: `isolet-nn eval` "
                "takes the rows that were held out"
            )
    return progress.rows


def _choose(path: Path, trial: int | None, best: bool) -> Path:
    """The model that is meant; of a sweep, its best unless another is."""
    from isolet_nn.results.selection import is_sweep

    return choose(path, trial, best or (trial is None and is_sweep(path)))
