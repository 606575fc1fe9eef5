"""What others reach on ISOLET by the same protocol on the same folds, and which errors are left.

- ``contestants``: who takes part, with which settings, and why these.
- ``learners``: each as something that is trained and asked; ``torch_loop``: a plain one of PyTorch.
- ``fits``: one training and what came of it, in a process of its own (``processes``).
- ``folder``: what a folder of fits holds; ``run`` carries them out, and goes on with them.
- ``scores``: the table that can be cited; ``mistakes``: rows that are wrong, by whom and how.
- ``page``, of ``tables`` and ``plots``.
"""
