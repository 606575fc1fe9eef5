"""How all plots look, how their quantities are called, and how they reach a file.

A figure function is marked ``@in_style``; ``plot_x = to_file(figure_x)`` makes it write a file.
"""

from __future__ import annotations

import functools
import io
import itertools
import math
import re
import threading
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar, cast

from isolet_nn.config.metrics import MEASURES, is_metric, measure_name, measure_of
from isolet_nn.config.metrics import in_words as metric_in_words
from isolet_nn.plots.fonts import render_with_fonts
from isolet_nn.system.files import write_bytes

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

P = ParamSpec("P")
DataT = TypeVar("DataT")

INK = "#222222"
FAINT = "#d9d9d9"
ROOM = 0.07
"""Of an axis, between its ends and the outermost values: for a dot and the number beside it."""
_LONGEST_TITLE = 60
_MOST_TICKS, _FEW_DECADES = 12, 300.0
"""Of a logarithmic axis, and the range up to which there are ticks within decades."""
EMPTY = "#f6f7f8"
"""A cell without counts."""
MISSING = "#e4e4e4"
"""A cell without a result."""
# M. Okabe and K. Ito, "Color universal design" (2008): told apart with any colour vision.
PALETTE = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")

STYLE: dict[str, Any] = {
    "axes.axisbelow": True,
    "axes.edgecolor": "#808080",
    "axes.facecolor": "white",
    "axes.grid": True,
    "axes.labelcolor": INK,
    "axes.labelsize": 10,
    "axes.linewidth": 0.8,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlecolor": INK,
    "axes.titlelocation": "left",
    "axes.titlepad": 10,
    "axes.titlesize": 11,
    "axes.titleweight": "bold",
    "figure.constrained_layout.h_pad": 0.1,
    "figure.constrained_layout.w_pad": 0.1,
    "figure.dpi": 120,
    "figure.facecolor": "white",
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],  # comes with Matplotlib, so is the same everywhere
    "font.size": 9,
    "grid.color": "#e6e6e6",
    "grid.linewidth": 0.7,
    "image.interpolation": "nearest",
    "legend.edgecolor": FAINT,
    "legend.fontsize": 9,
    "legend.framealpha": 0.9,
    "lines.linewidth": 1.8,
    "savefig.bbox": None,
    "savefig.dpi": "figure",
    "savefig.facecolor": "auto",
    "savefig.transparent": False,
    "svg.hashsalt": "isolet-nn",
    "text.color": INK,
    "text.parse_math": False,  # a name may contain dollar signs
    "xtick.color": "#808080",
    "xtick.labelcolor": INK,
    "ytick.color": "#808080",
    "ytick.labelcolor": INK,
}

_FORMATS: dict[str, dict[str, Any]] = {
    # Level 3 compresses in half the time of the default, to a sixth more bytes.
    ".png": {"metadata": {"Software": None}, "pil_kwargs": {"compress_level": 3}},
    ".svg": {"metadata": {"Date": None, "Creator": None}},
}


def in_style(draw: Callable[P, Figure]) -> Callable[P, Figure]:
    """Let a figure function work under `STYLE`, and leave Matplotlib's settings as they were."""

    @functools.wraps(draw)
    def styled(*args: P.args, **kwargs: P.kwargs) -> Figure:
        with _style():
            return draw(*args, **kwargs)

    return styled


def to_file(
    figure: Callable[Concatenate[DataT, P], Figure],
) -> Callable[Concatenate[DataT, Path, P], None]:
    """Turn ``figure_x(data, ...)`` into ``plot_x(data, path, ...)``."""

    def plot(data: DataT, path: Path, /, *args: P.args, **kwargs: P.kwargs) -> None:
        save(figure(data, *args, **kwargs), path)

    name = figure.__name__
    plot.__name__ = plot.__qualname__ = name.replace("figure_", "plot_")
    plot.__module__ = figure.__module__
    plot.__doc__ = f"Write `{name}` of the data and the further arguments to the file `path`."
    return plot


def new_figure(
    width: float, height: float, *, left: float, right: float, bottom: float, top: float
) -> tuple[Figure, Axes]:
    """Make a figure with one axes; all lengths in inches."""
    from matplotlib.figure import Figure

    # Matplotlib's constrained layout would find the margins, but measures every text twice for it:
    # curves then take 83 ms in place of 52, weights 386 for 254, 200 speakers 276 for 172.
    figure = Figure(figsize=(width, height))
    return figure, axes_at(figure, left, bottom, width - left - right, height - bottom - top)


def fitted_figure(width: float, height: float, n_axes: int = 1) -> tuple[Figure, list[Axes]]:
    """Make a figure, inches wide and high, with axes in a row that leave room for all texts."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, [figure.add_subplot(1, n_axes, index + 1) for index in range(n_axes)]


def axes_at(figure: Figure, left: float, bottom: float, width: float, height: float) -> Axes:
    """Add an axes whose lower left corner and size are given in inches."""
    full_width, full_height = figure.get_size_inches()
    return figure.add_axes(
        (left / full_width, bottom / full_height, width / full_width, height / full_height)
    )


def text_width(labels: Sequence[str], font_size: float) -> float:
    """About how many inches the longest label takes."""
    return max(map(_columns, labels), default=0) * font_size * 0.62 / 72


def _columns(label: str) -> float:
    """Characters of usual width that a text is as wide as; those of East Asia are wider."""
    wide = sum(unicodedata.east_asian_width(character) in "WF" for character in label)
    return len(label) + 0.7 * wide


def shorten(label: str, limit: int = 24) -> str:
    """Cut a label that would leave no room for the plot."""
    return label if len(label) <= limit else label[: limit - 1] + "…"


def shorten_all(labels: Sequence[str], limit: int = 24) -> list[str]:
    """Cut labels at their ends, or in the middle if ends tell them apart; or else number them."""
    half = (limit - 1) // 2
    ways = (
        [shorten(label, limit) for label in labels],
        [x if len(x) <= limit else f"{x[: limit - 1 - half]}…{x[-half:]}" for x in labels],
    )
    numbered = [f"{place}: {shorten(x, limit - 4)}" for place, x in enumerate(labels, 1)]
    return next((short for short in ways if len(set(short)) == len(set(labels))), numbered)


def in_words(name: str) -> str:
    """A name that is a slug as words, for a title: ``figure5-by-rate`` is figure 5 by rate."""
    words = re.sub(r"[-_\s]+", " ", name).strip()
    return re.sub(r"(?<=[a-z]{4})(\d{1,2})(?= |$)", r" \1", words)


def title_with(name: str, behind: str) -> str:
    """A title: a name as words, which is what is cut where it is long, and what is said of it."""
    return shorten(in_words(name), max(8, _LONGEST_TITLE - len(behind))) + behind


@dataclass(frozen=True)
class Quantity:
    """How a measured value is written on an axis."""

    label: str
    """Name and unit."""
    factor: float
    """Drawn value = factor times measured value."""
    form: str
    """Format of one drawn value."""
    greater_is_better: bool = True

    @property
    def is_percent(self) -> bool:
        """Whether it is a share, which is drawn in percent."""
        return self.label.endswith("(%)")

    def text(self, drawn: float) -> str:
        """Write a value that was multiplied by the factor already."""
        return format(drawn, self.form)


def quantity(name: str) -> Quantity:
    """Look up how a column of metrics.csv or trials.csv is drawn: accuracies in percent."""
    if name == "seconds":
        return Quantity("time (s)", 1.0, ".3g")
    if is_metric(name) or name in MEASURES:
        if measure_of(name).in_percent:
            return Quantity(f"{metric_in_words(name)} (%)", 100.0, ".1f")
        if measure_name(name) == "loss":
            return Quantity(f"{metric_in_words(name)} (nats)", 1.0, ".3g", greater_is_better=False)
        return Quantity(metric_in_words(name), 1.0, ".3f")
    return Quantity(name.rpartition(".")[2].replace("_", " "), 1.0, ".4g")


_SETTINGS = {
    "model.hidden_layers": "hidden neurons by layer",
    "training.batch_size": "batch size (rows)",
    "training.epochs": "epochs",
    "optimizer.name": "optimizer",
    "dataset.name": "data set",
}


def setting_label(key_path: str) -> str:
    """What to write on the axis of a setting such as ``optimizer.learning_rate``."""
    return _SETTINGS.get(key_path, key_path.rpartition(".")[2].replace("_", " "))


def short_text(value: object) -> str:
    """Write a setting's value in short: ``1e-5``, ``0.001``, ``64, 64``, ``none``.

    Of a section, what it says: ``name sgd, momentum 0.9``.
    """
    if isinstance(value, dict):
        said = (f"{key.rpartition('.')[2]} {short_text(item)}" for key, item in value.items())
        return ", ".join(said).replace("_", " ") or "unchanged"
    if isinstance(value, list | tuple):
        return ", ".join(map(short_text, value)) or "none"
    if isinstance(value, float):
        return f"{value:.4g}".replace("e-0", "e-").replace("e+0", "e")
    return "none" if value is None else str(value)


Dashes = str | tuple[float, tuple[float, ...]]
LineStyle = tuple[str, Dashes]
"""Colour and dashes."""


def line_styles(n: int) -> list[LineStyle]:
    """Styles for `n` lines, told apart by colour, and where colours end by dashes too."""
    dashes: tuple[Dashes, ...] = ("-", (0, (4, 1.5)), (0, (1, 1.2)))
    styles = [(color, dash) for dash in dashes for color in PALETTE]
    return [styles[index % len(styles)] for index in range(n)]


def titled(axes: Axes, title: str, note: str = "") -> None:
    """Put a title above axes, and in smaller letters under it what the picture leaves unsaid."""
    room = 14.0 if note else 0.0
    axes.set_title(title, pad=STYLE["axes.titlepad"] + room)
    if note:
        axes.annotate(note, (0, 1), (0, 8), "axes fraction", "offset points", va="bottom")


def end_at_100(axes: Axes, lowest: float | None = None, room: float = 0.0) -> None:
    """Keep the vertical axis, of percent, within 0 and 100; call it when all is drawn.

    What stands on the edge is drawn whole. With `lowest` the axis goes from there to 100;
    without, as far as the values do. `room`, a share of that, is left below 0 and above 100.
    """
    low, high = axes.get_ylim() if lowest is None else (lowest, 100.0)
    beyond = room * (min(high, 100.0) - max(low, 0.0))
    axes.set_ylim(max(low, -beyond), min(high, 100.0 + beyond))
    for artist in (*axes.lines, *axes.collections):
        artist.set_clip_on(False)


def logarithmic(axis: Axis, places: Sequence[float] = ()) -> None:
    """Make an axis logarithmic, with ticks at `places` if those are few and far enough apart."""
    from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullLocator

    axis._set_axes_scale("log")  # type: ignore[attr-defined]
    steps = [math.log(b / a) for a, b in itertools.pairwise(places)]
    if steps and len(places) <= _MOST_TICKS and min(steps) >= sum(steps) / (1.5 * _MOST_TICKS):
        axis.set_major_locator(FixedLocator(places))
    else:
        low, high = axis.get_view_interval()
        between = (1.0, 2.0, 5.0) if high / low < _FEW_DECADES else (1.0,)
        axis.set_major_locator(LogLocator(subs=between, numticks=_MOST_TICKS))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda value, _: short_text(value)))


def save(figure: Figure, path: Path) -> None:
    """Write a figure as PNG or SVG, whole or not at all, without dates and versions in it.

    Raises
    ------
    ValueError
        If the suffix is neither ``.png`` nor ``.svg``.
    """
    content = rendered(figure, path.suffix.lower())
    path.parent.mkdir(parents=True, exist_ok=True)
    write_bytes(path, content)


def rendered(figure: Figure, suffix: str) -> bytes:
    """A figure as the content of a PNG or SVG file, without dates and versions in it.

    Raises
    ------
    ValueError
        If the suffix is neither ``.png`` nor ``.svg``.
    """
    if suffix not in _FORMATS:
        raise ValueError(f"a plot's file name ends in .png or .svg, found {suffix!r}")
    content = io.BytesIO()

    def render() -> None:
        content.seek(0)
        content.truncate()
        figure.savefig(content, format=suffix[1:], **_FORMATS[suffix])

    with _style():
        render_with_fonts(figure, render)
    return content.getvalue()


_drawing = threading.RLock()
"""Matplotlib's settings are this process's, whose threads share them: one draws at a time."""


@contextmanager
def _style() -> Iterator[None]:
    import matplotlib

    with _drawing, matplotlib.rc_context(cast("Any", STYLE)):
        yield
