"""Lessons: a small network trained and recorded, so that a page can show how it learned.

What a page shows was computed by the project's own network while it trained; a page computes
nothing but where to draw it.

- ``writing``: which lesson a data set gets, and its page.
- ``network``: the lesson of a network with two inputs, number by number. ``chapters``: which
  trainings it has. ``drawable`` says what is too large or too special for it.
- ``recording``: one training, recorded; of ``moments``: forward, backward and step of one epoch.
  ``updates``: an optimizer's step in lines. ``boundary``: answers over the plane. ``dead``:
  neurons that have stopped learning.
- ``study``: the lesson of many inputs. ``depths``: networks of one to seven hidden layers, judged
  by ``vanishing``. ``letters``: the experiment's own, looked into by ``inner``. ``rounding``: of
  numbers for its page.
- ``page``: a self-contained page, of a template, styles and scripts in ``assets``.
"""
