"""A search at work: a batch is asked for, trained, and told; then the next.

Everything it knows is in two files, ``asked.jsonl`` and the journal, of which the first is written
before a batch is trained and the second as trials end. Killed between any two lines, it goes on
where they end.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from isolet_nn.errors import counted
from isolet_nn.sweeps.asked import ASKED, AskedFile, Batch
from isolet_nn.sweeps.cohort import TrialResult
from isolet_nn.sweeps.datasets import DataSource
from isolet_nn.sweeps.dispatch import Dispatcher
from isolet_nn.sweeps.folder import SweepFolder
from isolet_nn.sweeps.plan import Plan
from isolet_nn.sweeps.search.outcomes import has_ended_well, outcomes, pruning_of
from isolet_nn.sweeps.search.study import Study
from isolet_nn.sweeps.staff import Staff, plan_for
from isolet_nn.system.statuses import PRUNED


class Searching:
    """The rest of a search.

    Parameters
    ----------
    folder
        Its folder, with what was asked for so far.
    dispatcher
        Has trials trained.
    plan
        Puts pending trials into cohorts.
    elapsed
        Seconds that the search was worked on.
    """

    def __init__(
        self,
        folder: SweepFolder,
        dispatcher: Dispatcher,
        plan: Callable[[NDArray[np.int64]], Plan],
        elapsed: Callable[[], float],
    ) -> None:
        assert folder.sweep.search is not None
        assert folder.asked is not None
        self._folder, self._asked, self._search = folder, folder.asked, folder.sweep.search
        self._dispatcher, self._plan, self._elapsed = dispatcher, plan, elapsed
        self._pruning = pruning_of(folder)

    def run(self, should_stop: Callable[[], bool]) -> bool:
        """Go on to the end; return whether it was reached, rather than stopped."""
        for batch in self._asked.batches:
            if not self._carry_out(batch, should_stop):
                return False
        if self._is_over():
            return True
        study = self._restored()
        file = AskedFile(self._folder.path / ASKED)
        try:
            while not self._is_over():
                if should_stop():
                    return False
                n = min(self._search.batch, self._search.trials - self._asked.n_candidates)
                batch = self._folder.take_in(study.ask(n), file.append)
                if not self._carry_out(batch, should_stop):
                    return False
                study.tell(outcomes(self._pruning, self._folder, batch))
        finally:
            file.close()
        return True

    def _is_over(self) -> bool:
        timeout = self._search.timeout
        return self._asked.n_candidates >= self._search.trials or (
            timeout is not None and self._elapsed() >= timeout
        )

    def _restored(self) -> Study:
        """The study as it was told of all batches so far."""
        study = Study(self._search)
        for batch in self._asked.batches:
            asked = [candidate.parameters for candidate in batch.asked]
            study.restore(asked, outcomes(self._pruning, self._folder, batch))
        return study

    def _carry_out(self, batch: Batch, should_stop: Callable[[], bool]) -> bool:
        """Train what a batch still lacks; return whether that was completed, not stopped."""
        settings = self._asked.settings_of(batch)
        self._dispatcher.go_on_with(self._folder.trial_table, self._pruning.rungs_of)
        for first, end in self._pruning.stages:
            pending = self._pending(settings, first, end)
            if len(pending) and not self._dispatcher.dispatch(self._plan(pending), should_stop):
                return False
            self._close(settings, end)
        self._pruning.learn(settings)
        return True

    def _pending(self, settings: Sequence[int], first: int, end: int) -> NDArray[np.int64]:
        """Trials of these trainings that are to be done."""
        own = self._folder.trial_table.per_setting
        trials = [
            setting * own + training for setting in settings for training in range(first, end)
        ]
        return np.intersect1d(np.array(trials, np.int64), self._folder.pending())

    def _close(self, settings: Sequence[int], n_trainings: int) -> None:
        """End the settings that do not go on after so many trainings."""
        own, folder = self._folder.trial_table.per_setting, self._folder
        if n_trainings == own:
            return
        going = [s for s in settings if has_ended_well(folder, s, n_trainings)]
        out = {*settings} - {*going} | {*self._pruning.out_after(n_trainings, going)}
        trials = [s * own + n for s in sorted(out) for n in range(n_trainings, own)]
        left = np.intersect1d(np.array(trials, np.int64), folder.pending())
        if len(left):
            self._dispatcher.record([TrialResult(trial, PRUNED) for trial in left.tolist()])


def batch_planner(
    folder: SweepFolder, staff: Staff, source: DataSource
) -> Callable[[NDArray[np.int64]], Plan]:
    """What puts pending trials of a batch into cohorts, one a worker as far as they can be."""
    return lambda pending: plan_for(staff, folder.trial_table, pending, source, 1)


def plan_of_search(folder: SweepFolder, staff: Staff, source: DataSource) -> Plan:
    """What is to be done as far as it is known: the batch that is begun, and how much may follow.

    Before the first batch, samples of the space stand for it. A pruner may end trials that are
    counted here.
    """
    search, own = folder.sweep.search, folder.samples.per_setting
    assert search is not None
    assert folder.asked is not None
    n_left = (search.trials - folder.asked.n_candidates) * own
    batches = f"batches of {counted(search.batch, 'setting')}"
    begun = batch_planner(folder, staff, source)(folder.pending())
    some = np.arange(min(search.batch, search.trials, len(folder.samples.codes)) * own)
    sampled = plan_for(staff, folder.samples, some, source, 1)
    if not folder.asked.batches:
        begun, n_left = sampled, max(n_left - len(some), 0)
    return replace(
        begun,
        n_later=n_left,
        later_cost=sampled.cost / len(some) * n_left,
        later=f"up to {counted(n_left, 'trial')}, asked for in {batches}",
    )
