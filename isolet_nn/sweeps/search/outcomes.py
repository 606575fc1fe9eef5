"""What became of a search's candidates, for the sampler and for Optuna's own tools."""

from __future__ import annotations

from isolet_nn.sweeps.asked import Asked, Batch
from isolet_nn.sweeps.folder import SweepFolder
from isolet_nn.sweeps.search.pruning import Pruning, epochs_of
from isolet_nn.sweeps.search.storage import STORAGE, write_storage
from isolet_nn.sweeps.search.study import Outcome
from isolet_nn.system.statuses import COMPLETED, FAILED, PRUNED


def has_ended_well(folder: SweepFolder, setting: int, n_trainings: int) -> bool:
    """Whether the first trainings of a setting are all completed."""
    return all(status == COMPLETED for status in _statuses(folder, setting)[:n_trainings])


def _statuses(folder: SweepFolder, setting: int) -> list[str]:
    own = folder.trial_table.per_setting
    return folder.statuses(range(setting * own, (setting + 1) * own))


def pruning_of(folder: SweepFolder) -> Pruning:
    """What decides who goes on, before the first batch."""
    assert folder.sweep.search is not None
    epochs = epochs_of(folder.sweep.search, folder.samples)
    own = folder.trial_table.per_setting
    return Pruning(folder.sweep.search, epochs, own, folder.results)


def outcomes(pruning: Pruning, folder: SweepFolder, batch: Batch) -> list[Outcome]:
    """What became of the candidates of a batch."""
    found = []
    for candidate in batch.asked:
        setting = candidate.result_of
        if setting is None:
            found.append(Outcome(FAILED))
            continue
        statuses, steps = _statuses(folder, setting), pruning.steps_of(setting)
        value = pruning.mean(setting)
        if value is not None:
            found.append(Outcome(COMPLETED, value, steps))
        else:
            found.append(Outcome(FAILED) if FAILED in statuses else Outcome(PRUNED, None, steps))
    return found


def write_study(folder: SweepFolder, asked: Asked) -> None:
    """Write what Optuna's own tools open."""
    assert folder.sweep.search is not None
    pruning = pruning_of(folder)
    trials = [
        (candidate.parameters, outcome)
        for batch in asked.batches
        for candidate, outcome in zip(batch.asked, outcomes(pruning, folder, batch), strict=True)
    ]
    write_storage(folder.path / STORAGE, folder.sweep.name, folder.sweep.search, trials)
