"""Searches at work: sweeps whose next settings are asked of Optuna, batch after batch.

- ``running``: a batch is asked for, trained, and told. ``study``: Optuna, rebuilt from what was
  asked and what came of it. ``pruning``: who is ended before the time.
- ``extent``: more settings than the file asked for.
- ``outcomes``: what became of candidates. ``storage``: all of it as optuna-dashboard opens it.
"""
