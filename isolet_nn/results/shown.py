"""Runs and sweeps that show themselves: as a card in a notebook, in pictures, and as data frames.

The folders of ``runs`` and ``sweeps`` know nothing of that; these do, and whoever is handed a run
or a sweep at a prompt gets one of these.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from isolet_nn.notebook.frames import data_frame
from isolet_nn.notebook.pictures import Pictures
from isolet_nn.runs import folder as runs
from isolet_nn.sweeps import folder as sweeps
from isolet_nn.sweeps import trial

if TYPE_CHECKING:
    import pandas

_Kind = TypeVar("_Kind")


class Run(runs.Run):
    """A run folder.

    Attributes
    ----------
    path
        The folder.
    experiment
        The complete experiment.
    """

    @property
    def metrics(self) -> pandas.DataFrame:
        """The rows of metrics.csv by epoch; NaN where an epoch was not evaluated.

        Raises
        ------
        RunError
            If the file is damaged.
        ImportError
            If pandas is not installed.
        """
        rows = self.history()
        columns = {name: [row[name] for row in rows] for name in (rows[0] if rows else ["epoch"])}
        frame = data_frame(columns, "epoch")
        return frame.astype("float64")  # numbers, too, where no epoch at all was evaluated

    def plot(self, kind: str | None = None) -> Pictures:
        """Draw the run's pictures once more, or those of one kind, into its folder; show them.

        Parameters
        ----------
        kind
            What `isolet-nn plot --kind` takes for a run, such as ``curves`` or ``confusion``.

        Returns
        -------
        The PNG files, which a notebook shows.

        Raises
        ------
        RunError
            If the run has nothing to draw them from.
        ConfigError
            If there is no such kind.
        """
        from isolet_nn.runs.redraw import redraw_run

        return Pictures(redraw_run(self, kind))

    def _repr_html_(self) -> str:
        from isolet_nn.runs.card import card_of_run

        return card_of_run(self).to_html()


class Trial(Run, trial.Trial):
    """A trial of a sweep that has ended, as a run."""


class SweepFolder(sweeps.SweepFolder):
    """A sweep, its folder, and the results so far.

    Attributes
    ----------
    path
        The folder.
    sweep
        The complete sweep.
    """

    @property
    def trials(self) -> pandas.DataFrame:
        """All trials: by number their settings, seeds, metrics, epochs and errors.

        Of a nested cross-validation those of the inner folds: outer_folds.csv has the others.

        Raises
        ------
        ImportError
            If pandas is not installed.
        """
        from isolet_nn.sweeps.frame import trials_frame

        return trials_frame(self.trial_table, self.results)

    def plot(
        self,
        kind: str | None = None,
        *,
        x: str | None = None,
        y: str | None = None,
        panels: str | None = None,
        value: str | None = None,
    ) -> Pictures:
        """Draw the sweep's pictures once more, or another one, into the folder; show them.

        Parameters
        ----------
        kind
            ``heatmap``, ``boxplot``, ``line``, ``scatter``, ``history``, ``importance``,
            ``parallel``, ``contour`` or ``epochs``.
        x, y, panels
            Varied keys: along the bottom, up the side or one line each, a panel each.
        value
            The metric that is drawn.

        Returns
        -------
        The PNG files, which a notebook shows.

        Raises
        ------
        RunError
            If the sweep has no results to draw.
        ConfigError
            If the choice does not fit the sweep.
        """
        from isolet_nn.sweeps.redraw import PlotChoice, redraw_sweep

        choice = PlotChoice(kind, x, y, panels, value)
        return Pictures(redraw_sweep(self, None if choice == PlotChoice() else choice))

    def _repr_html_(self) -> str:
        from isolet_nn.sweeps.card import card_of_sweep

        return card_of_sweep(self).to_html()


def shown_run(run: runs.Run) -> Run:
    """A run, or a trial, that shows itself."""
    return _as(Trial if isinstance(run, trial.Trial) else Run, run)


def shown_sweep(folder: sweeps.SweepFolder) -> SweepFolder:
    """A sweep that shows itself, with the results that it has."""
    return _as(SweepFolder, folder)


def _as(kind: type[_Kind], known: object) -> _Kind:
    """What is known already, in an object of another kind."""
    shown = kind.__new__(kind)
    vars(shown).update(vars(known))
    return shown
