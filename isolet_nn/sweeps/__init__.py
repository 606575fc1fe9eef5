"""Sweeps: many trials of one experiment, planned so that the same results cost less work.

A sweep file becomes a table of trials, the table becomes cohorts, cohorts go to workers, and every
result goes to a journal from which a sweep can go on after anything:

- ``config``, ``distributions``, ``loading``: the sweep file. ``grid``: the table of trials, of
  ``settings``. ``nested``: the trials that follow from the results of others.
- ``search_config``: what a search may say, ``parameters``: its settings in Optuna's words,
  ``asked``: those asked for so far, ``rungs``: where a trial is looked at on the way; ``search``:
  one at work.
- ``plan``: cohorts, by what ``costs`` says of a training. ``staff``: who works, on which GPUs.
  ``datasets``: data as it travels to workers.
- ``sweep``: a sweep begun or gone on with. ``requirements``: what is refused before.
  ``dispatch``: who gets which cohort, what is kept. ``observers``: who hears of it.
- ``shard``: a share of a sweep in a folder of its own. ``sharding``: divided, for job arrays.
  ``merging``: joined again.
- ``reuse``: earlier results taken over, as ``sources`` finds them. ``header``: what decides on
  bits.
- ``workers``: processes on this machine, of a sweep or shared by several. ``cluster``: workers of
  Dask, ``scheduler``: how it is reached, ``remote``: what they run. ``cohort``: the training
  itself, wherever, in the ``room`` that a device's memory has.
- ``journal``, ``curves``, ``folder``, ``scores``, ``outer_scores``: results on the disk, and
  ranked. ``following``: read again and again. ``trial``: one of them as a run. ``axes``,
  ``drawing``, ``redraw``: pictures; ``overview_drawing``: those of all settings together, by
  ``overview`` and ``setting_importance``.
- ``outputs``: what is made of the journal for others to read, ``table`` among it. ``card``,
  ``frame``: what a notebook shows.
"""
