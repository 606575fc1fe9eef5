"""A multilayer perceptron from scratch: NumPy only, readable as a textbook.

Start with ``network``, which puts layers together: ``layers``, ``activations``, ``losses``,
``normalization`` and ``noise``. Around it stand ``initializers`` (the weights it begins with),
``clipping`` (of gradients), ``optimizers`` and ``adam_variants`` (its steps), ``schedules`` (of
their size) and ``averaging`` (of its weights). ``products`` cuts matrix products into blocks, which
the threads of a ``pool`` share. SciPy is asked for one function: the erf of GELU.
"""
