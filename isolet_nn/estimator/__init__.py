"""scikit-learn's view of the network: an estimator that can stand wherever a classifier can.

- ``classifier``: the estimator.
- ``parameters``: its parameters as an experiment. ``tables``: what it is given as a data set.
- ``computing``: with the threads asked for; what goes wrong is told of parameters.
"""
