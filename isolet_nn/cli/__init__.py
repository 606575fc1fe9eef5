"""The command line: parse, call, print.

``app`` puts it together from ``training``, ``sweeps``, ``models``, ``results``, ``comparing``,
``pages``, ``runs``, ``board``, ``lesson``, ``tracking``, ``data`` and ``configs``, and from the
commands that ``benchmarks`` and ``reproduction`` bring; ``settings`` is what the command line
changes in a config, ``choice`` which run is meant.
"""
