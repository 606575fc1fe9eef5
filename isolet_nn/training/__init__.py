"""The epoch loop, and the two backends that do its arithmetic.

- ``loop``: trains the experiments of a stack together; ``epoch``: what an epoch consists of;
  ``progress``: one experiment, and its end.
- ``backend``: what the loop needs of a backend; ``backends``: which one an experiment asks for.
  ``numpy_backend`` and ``torch_backend`` are the two there are; ``components``: what a config names
  for the first. ``weighting``: how much each row counts.
- PyTorch's ``devices``. ``torch_chunk``: networks whose products are computed as one, as many as
  ``stack_size`` says; its ``torch_network`` with ``torch_activations``, its ``torch_optimizers``
  and ``torch_clipping``, its ``torch_rows``, its ``torch_draws`` of what is random (on a GPU
  ``torch_counters``), and its ``torch_tables``, which hold what an epoch's steps need.
  ``torch_graphs``: steps that are captured. ``torch_evaluation``: losses where the logits are.
- ``inspection``: what is measured of gradients, updates and activations (``torch_inspection``:
  where a chunk's networks are); ``inspector``: of experiments, by epoch and layer.
- ``range_test``: a training whose learning rate rises.
- ``measured``: which splits and scores. ``capacity``: whether a training can be carried out at all.
  ``threads``: how many its arithmetic takes.
"""
