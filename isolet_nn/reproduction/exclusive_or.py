"""The report's recipe for exclusive or: how many seeds solve it, and one that does, drawn."""

from __future__ import annotations

from typing import Any

from isolet_nn.config.experiment import Experiment
from isolet_nn.config.loading import load_experiment
from isolet_nn.config.shipped import shipped_config
from isolet_nn.reproduction.parts import Measuring
from isolet_nn.runs import execution
from isolet_nn.runs.xor import count_solved, require_xor, result_of, which_solve
from isolet_nn.system.statuses import COMPLETED

RECIPE = "report/xor"
SEEDS = {False: 100, True: 30}
"""Seeds in full and quick."""


def measure_xor(how: Measuring) -> dict[str, Any] | None:
    """Count the seeds that solve it, with and without a hidden layer; train and draw one."""
    experiment = load_experiment(shipped_config(RECIPE), how.computing)
    require_xor(experiment)
    seeds = SEEDS[how.quick]
    counted = None if how.should_stop() else how.call(count_seeds, experiment, seeds)
    if counted is None:
        return None
    solved, without, lucky = counted
    chosen = experiment.model_copy(update={"seed": lucky})
    run = execution.train(chosen, runs_dir=how.folder, should_stop=how.should_stop)
    if run.summary["status"] != COMPLETED:
        return None
    result = result_of(run)
    return {
        "seeds": seeds,
        "solved": solved,
        "solved_without_hidden_layer": without,
        "run": run.path.name,
        "seed": lucky,
        "probabilities": [[float(p) for p in row] for row in result.probabilities],
    }


def count_seeds(experiment: Experiment, seeds: int) -> tuple[int, int, int]:
    """How many seeds solve it with a hidden layer and without, and the first that does.

    The report shows one that does; where there is none, it is the first of all.
    """
    flat = load_experiment(experiment.model_dump(mode="json"), {"model.hidden_layers": []})
    solve = which_solve(experiment, seeds)
    return sum(solve), count_solved(flat, seeds), solve.index(True) if any(solve) else 0
