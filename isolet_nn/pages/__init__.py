"""What a browser shows of runs, comparisons, sweeps and searches.

A view is drawn by JavaScript from a document, which is plain JSON; a document has a name, and the
browser asks a source for it by that name: a server, or the page that holds it.

- ``documents``: their names, and what makes one from its name. ``shapes``: what is in them.
- ``run``: of a run, with its ``answers`` on the splits, its first ``layer``, and what was seen
  inside its ``layers``. ``comparison``: of several. ``sweep``: of a sweep, with its means on
  ``grids``. ``search``: of how its settings went.
- ``reading``: what is damaged is said in a document, not raised.
- ``assets``: scripts and style, which need no build; Plotly's script comes with its package.
- ``page``: one file with documents, scripts and style in it.
"""
