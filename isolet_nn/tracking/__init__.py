"""Trackers hear of runs and sweeps: TensorBoard and MLflow.

A folder is what counts; a tracker is brought up to date with it, while the work goes on or later.

- ``settings``: which trackers hear of what. ``content``: what they are told.
- ``tensorboard``: event files, made of ``events``.
- ``mlflow``: MLflow's runs, kept in a ``store``: a server's (``mlflow_server``), or whatever
  MLflow's own package reaches (``mlflow_client``).
- ``sender``: a thread that waits for a tracker, so that no training has to.
- ``observers``: they tell the senders. ``later``: what was missed is sent.
- ``journal``: what a folder remembers of its trackers.
"""
