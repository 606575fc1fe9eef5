"""A multilayer perceptron from scratch: NumPy only, readable as a textbook.

Start with :mod:`~isolet_nn.nn.network`, which puts the other files together: layers,
activations, the loss, initializers, optimizers and learning rate schedules.
"""
