"""The epoch loop, and the two backends that do its arithmetic.

- ``loop``: trains the experiments of a stack together; ``epoch``: what an epoch consists of;
  ``progress``: one experiment, and its end.
- ``backend``: what the loop needs of a backend. ``numpy_backend`` and ``torch_backend`` are the
  two there are; ``components``: what a config names for the first; ``devices`` and
  ``torch_optimizers``: PyTorch's. ``weighting``: how much each row counts.
- ``measured``: which splits and scores. ``capacity``: whether a training can be carried out at all.
  ``threads``: how many its arithmetic takes.
"""
