"""What commands are made with and print with; what is shown is handed to it.

``commands``, ``options`` and ``completion`` are for parsing, ``endings`` for exit codes, errors and
what to do next. ``streams`` is where all text goes; ``words`` says numbers. Tables are described
in ``tables`` and handed to ``printer``: ``layouts`` writes them for a person, ``formats`` for
papers and programs.
``progress`` and ``runs`` show a training, ``predictions`` how far they are and how good, ``sweeps``
a sweep, ``notebook`` a bar in a notebook, ``lists`` (``watching``: again and again),
``comparisons`` and ``contests`` many runs at once, ``rates`` a learning-rate range test,
``catalog`` data sets and configs, ``inspection`` a table that has no config yet.
"""
