"""The commands of `isolet-nn runs`: list what there is, give it tags and notes, delete it."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from isolet_nn.errors import ConfigError, counted, one_line
from isolet_nn.terminal.commands import App, GroupWithDefault
from isolet_nn.terminal.completion import complete_run_or_sweep
from isolet_nn.terminal.options import AsJson, TableFormat

if TYPE_CHECKING:
    from isolet_nn.results.listing import Entry
    from isolet_nn.runs.records import Labels
    from isolet_nn.terminal.printer import Printer

app = App(
    cls=GroupWithDefault,
    no_args_is_help=False,
    help="Runs and sweeps: what there is, tags, notes, the trash. `runs [FOLDER]` lists them, with "
    "the options of `runs list`.",
)

Folders = Annotated[
    list[Path],
    typer.Argument(
        metavar="RUN...",
        help="Folders of runs or sweeps.",
        autocompletion=complete_run_or_sweep,
    ),
]
RunsAndTags = Annotated[
    list[str],
    typer.Argument(
        metavar="RUN... TAG...",
        help="Folders of runs or sweeps, and words.",
        autocompletion=complete_run_or_sweep,
    ),
]


@app.command("list")
def runs_list(
    runs_dir: Annotated[Path, typer.Argument(help="Where runs and sweeps lie.")] = Path("runs"),
    columns: Annotated[
        str | None,
        typer.Option(
            "--columns",
            metavar="COLUMN,...",
            help="What to show of each: scores, status, times, tags, note, and settings by key "
            "path, such as optimizer.learning_rate.",
        ),
    ] = None,
    sort: Annotated[
        str | None,
        typer.Option(
            "--sort",
            metavar="COLUMN",
            help="Highest first, texts from A to Z: test_accuracy, test_loss and their like, "
            "epochs, trials, completed, failed, seconds, age, started, folder, name, kind, "
            "status, problem, or a setting, such as optimizer.learning_rate.",
        ),
    ] = None,
    reverse: Annotated[
        bool, typer.Option("--reverse", help="Sort the other way round: lowest first.")
    ] = False,
    filters: Annotated[
        list[str] | None,
        typer.Option(
            "--filter",
            metavar="EXPR",
            help="A column or setting, = != < <= > >= or ~ (contains), and a value: "
            "status=completed, name~isolet, test_accuracy>95%, age<2h, optimizer.name=adam, "
            "tags=good; repeatable, all must fit.",
        ),
    ] = None,
    group: Annotated[
        str | None,
        typer.Option(
            "--group",
            metavar="COLUMN,...",
            help="Mean, deviation and number of the runs that are equal in these columns; "
            "`settings`: in every setting but the seed.",
        ),
    ] = None,
    watch: Annotated[
        bool, typer.Option("--watch", help="Show it anew every two seconds until Ctrl-C.")
    ] = False,
    as_json: AsJson = False,
    table_format: TableFormat = None,
) -> None:
    """List runs and sweeps, newest first; a sweep's accuracies are those of its best setting."""
    from isolet_nn.results.columns import with_task
    from isolet_nn.results.filters import parse_filter
    from isolet_nn.terminal.lists import print_columns, print_entries
    from isolet_nn.terminal.printer import Printer
    from isolet_nn.terminal.streams import print_json, print_message

    printer = Printer.asked_for(table_format, as_json=as_json)
    asked = [parse_filter(expression) for expression in filters or []]
    wanted = None if columns is None else _names(columns, "--columns")
    if reverse and sort is None:
        raise ConfigError("--reverse goes with --sort")
    if watch:
        if group or as_json or table_format:
            raise ConfigError("--watch shows the list itself: drop --group, --json and --format")
        from isolet_nn.terminal.watching import watch as watch_entries

        shown = None if wanted is None else partial(with_task, wanted)

        def read() -> list[Entry]:
            return _entries(runs_dir, filters or [], sort, reverse, wanted or [])

        watch_entries(read, shown)
        return
    for reading in filter(None, (one.reading for one in asked)):
        print_message(reading)
    nothing = f"{one_line(runs_dir)}: no runs" + (" that fit" if filters else "")
    if group is not None:
        entries = _entries(runs_dir, filters or [], None, False)
        _print_groups(entries, group, wanted, sort, reverse, as_json, printer, nothing)
        return
    entries = _entries(runs_dir, filters or [], sort, reverse, wanted or [])
    wanted = None if wanted is None else with_task(wanted, entries)
    if as_json:
        print_json([_object(entry, wanted) for entry in entries])
    elif not entries:
        print_message(nothing)
    elif wanted is not None:
        print_columns(entries, wanted, printer)
    else:
        more = [*(one.column for one in asked), *([sort] if sort else [])]
        print_entries(entries, list(dict.fromkeys(more)), printer)


@app.command("tag")
def runs_tag(folders_and_tags: RunsAndTags) -> None:
    """Give runs and sweeps tags, to be filtered by: words without blanks and commas."""
    from isolet_nn.results.labels import tag

    folders, tags = _divided(folders_and_tags)
    for folder in folders:
        _say_labels(folder, tag(folder, tags))


@app.command("untag")
def runs_untag(folders_and_tags: RunsAndTags) -> None:
    """Take tags from runs and sweeps."""
    from isolet_nn.results.labels import untag

    folders, tags = _divided(folders_and_tags)
    for folder in folders:
        _say_labels(folder, untag(folder, tags))


@app.command("note")
def runs_note(
    folder: Annotated[
        Path,
        typer.Argument(
            metavar="RUN",
            help="Folder of a run or a sweep.",
            autocompletion=complete_run_or_sweep,
        ),
    ],
    text: Annotated[str, typer.Argument(help="In quotes; an empty one removes the note.")],
) -> None:
    """Give a run or a sweep a note, instead of the one that it has."""
    from isolet_nn.results.labels import note

    _say_labels(folder, note(folder, text))


@app.command("delete")
def runs_delete(
    folders: Folders,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Move runs and sweeps into the trash, the folder `.trash` beside them, after a question.

    Moving one back restores it; removing it there frees the disk.
    """
    from isolet_nn.results.trash import delete, require_deletable
    from isolet_nn.terminal.streams import is_agreed, print_line, print_message

    chosen = list(dict.fromkeys(folders))
    require_deletable(chosen)
    if not yes:
        if not sys.stdin.isatty():
            raise ConfigError("nobody is there to be asked: --yes deletes without a question")
        for folder in chosen:
            print_message(one_line(folder))
        if not is_agreed(f"Move {counted(len(chosen), 'folder')} to the trash?"):
            print_message("nothing was deleted")
            raise typer.Exit(1)
    for folder in chosen:
        print_line(delete(folder))


def _entries(
    runs_dir: Path,
    filters: Sequence[str],
    sort: str | None,
    reverse: bool,
    columns: Sequence[str] = (),
) -> list[Entry]:
    from isolet_nn.results.columns import with_columns
    from isolet_nn.results.filters import filter_entries, sort_entries
    from isolet_nn.results.listing import list_runs

    entries = filter_entries(list_runs(runs_dir), filters)
    entries = with_columns(entries, columns, "--columns")
    return entries if sort is None else sort_entries(entries, sort, reverse=reverse)


def _object(entry: Entry, columns: Sequence[str] | None) -> dict[str, Any]:
    """An entry as JSON: all that is known of it, or the columns asked for that it has."""
    from isolet_nn.results.columns import UNKNOWN, value_of

    if columns is None:
        return {k: v for k, v in asdict(entry).items() if (k, v) != ("settings", None)}
    values = {column: value_of(entry, column) for column in columns}
    return {column: value for column, value in values.items() if value is not UNKNOWN}


def _print_groups(
    entries: Sequence[Entry],
    group: str,
    columns: Sequence[str] | None,
    sort: str | None,
    reverse: bool,
    as_json: bool,
    printer: Printer,
    nothing: str,
) -> None:
    from isolet_nn.results.groups import group_entries, sort_groups
    from isolet_nn.terminal.lists import print_groups
    from isolet_nn.terminal.streams import print_json, print_message

    groups = group_entries(entries, _names(group, "--group"), columns)
    if sort is not None:
        groups = sort_groups(groups, sort)
        groups = groups[::-1] if reverse else groups
    n_sweeps = sum(entry.kind == "sweep" for entry in entries)
    if n_sweeps:
        print_message(f"left out: {counted(n_sweeps, 'sweep')}, of which settings.csv has means")
    if as_json:
        print_json([asdict(one) for one in groups])
    elif groups:
        print_groups(groups, printer)
    else:
        print_message(nothing)


def _names(text: str, option: str) -> list[str]:
    """Names between commas.

    Raises
    ------
    ConfigError
        If there is none, or one twice.
    """
    names = [name.strip() for name in text.split(",")]
    if not all(names):
        raise ConfigError(
            f"{option}: found {text!r}; expected names with commas between them, such as name,seed"
        )
    for name in names:
        if names.count(name) > 1:
            raise ConfigError(f"{option}: {name} is given twice")
    return names


def _divided(arguments: Sequence[str]) -> tuple[list[Path], list[str]]:
    """The run folders that arguments begin with, and the tags after them.

    Raises
    ------
    ConfigError
        If there are no tags, or a folder that is none.
    """
    from isolet_nn.results.listing import is_listed

    count = 1
    while count < len(arguments) and is_listed(Path(arguments[count])):
        count += 1
    folders, tags = [Path(text) for text in arguments[:count]], list(arguments[count:])
    for text in tags:
        if "/" in text or "\\" in text:
            raise ConfigError(f"{one_line(text)}: is no run or sweep, and no tag either")
    if not tags:
        raise ConfigError("which tags? Give them behind the folders")
    return folders, tags


def _say_labels(folder: Path, labels: Labels) -> None:
    from isolet_nn.terminal.streams import print_message

    tags = f"tags {', '.join(labels.tags)}" if labels.tags else "no tags"
    said = tags if labels.note is None else f"{tags}; {labels.note}"
    print_message(one_line(f"{folder}: {said}"))
