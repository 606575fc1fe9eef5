"""Timing comparisons that a user can repeat; nothing else in the package needs them.

- ``training``: one network by NumPy, PyTorch and scikit-learn in turn (``engines``), each in a
  process of its own (``worker``).
- ``sweep``: a whole sweep against its trials in a plain PyTorch loop (``loop``), and in
  scikit-learn's GridSearchCV (``grid_search``).
- ``device``: stacks of networks on one device, such as a GPU, against the loop there, and against
  ``jax_stacks``.
- ``estimator``: the estimator beside scikit-learn's own network.
- ``search``: how many epochs a search needs until it is as good as random settings. ``asking``:
  what it costs besides training, and beside Optuna with a plain loop.
- ``overhead``: what a sweep costs besides training.
- ``commands`` and ``console``: ``isolet-nn bench``, and what it prints.
"""
