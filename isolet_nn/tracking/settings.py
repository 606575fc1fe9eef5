"""Which trackers hear of a run or a sweep, and where they are.

Which: what the command line says, else the file of the run or sweep, else the user's own settings.
Where: key by key, what the file says, else the user's own settings; the command line has no say.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from isolet_nn.config.problems import validate
from isolet_nn.config.tracking import TRACKERS, Mlflow, TensorBoard
from isolet_nn.config.user_settings import UserSettings
from isolet_nn.errors import ConfigError, suggestion
from isolet_nn.sweeps.folder import SweepFolder

Tracker = TensorBoard | Mlflow


def trackers_of(
    of_file: Sequence[Tracker] | None, own: UserSettings, chosen: Iterable[str] | None
) -> list[Tracker]:
    """The trackers of a run or a sweep.

    Parameters
    ----------
    of_file
        What its file says; None where that leaves it open.
    own
        The user's own settings.
    chosen
        Names that the command line gives; None where it gives none.
    """
    settings: dict[str, Tracker] = {tracker.name: tracker for tracker in own.tracking or ()}
    for tracker in of_file or ():
        default = settings.get(tracker.name)
        settings[tracker.name] = tracker if default is None else _filled(tracker, default)
    if chosen is not None:
        names = list(dict.fromkeys(chosen))
    else:
        names = [
            tracker.name for tracker in (of_file if of_file is not None else own.tracking) or ()
        ]
    return [settings.get(name) or _plain(name) for name in names]


def require_trackers(chosen: Iterable[str] | None, origin: str) -> None:
    """Refuse names of trackers that there are not; `origin` is where they were given.

    Raises
    ------
    ConfigError
        Saying which there are.
    """
    for name in chosen or ():
        if name not in TRACKERS:
            hint = suggestion(name, TRACKERS)
            raise ConfigError(f"{origin}: found {name!r}; allowed: {', '.join(TRACKERS)}{hint}")


def _filled(tracker: Tracker, default: Tracker) -> Tracker:
    """A tracker with what it leaves open taken from another of its kind."""
    given = tracker.model_dump(exclude_none=True)
    return tracker.model_copy(update=default.model_dump() | given)


def _plain(name: str) -> Tracker:
    return Mlflow(name="mlflow") if name == "mlflow" else TensorBoard(name="tensorboard")


def tracking_of_sweep(folder: SweepFolder) -> Sequence[Tracker] | None:
    """What a sweep's file says of trackers, or else the experiment that it varies."""
    if folder.sweep.tracking is not None:
        return folder.sweep.tracking
    of_experiment = {"tracking": folder.sweep.experiment.get("tracking")}
    return validate(UserSettings, of_experiment, folder.sweep.source).tracking
