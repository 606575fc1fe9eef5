"""One experiment carried out in one folder.

- ``execution``: train, resume, evaluate. ``recording``: what a training leaves in its folder.
  ``observers``: who hears of it.
- ``extension``: a completed run continued; ``origin``: compared with what it grew from.
- ``learning_rates``: a range test, which is no run, in a folder.
- ``folder``: what a run folder holds, and how it is read and written; its parts are in
  ``metrics_file``, ``inspection_file``, ``model_file``, ``tensors`` (arrays on the disk) and
  ``records`` (JSON); what grows
  with every epoch is read by ``growing``.
- ``status_file``: how far a work of many parts is, in a folder of its own.
- ``importance``: of the columns of its table; ``known_rows``: of rows of a group, where it adapts.
- ``drawing``: tables and pictures of a run, ``boundary``: of two features; ``redraw``: once more;
  ``card``: in a notebook.
- ``environment`` and ``identity``: what a result depends on, and whether that has changed.
- ``xor``: exclusive or as a sanity check.
"""
