"""What reads runs and sweeps alike.

- ``selection``: which run is meant, of those in folders and of a sweep's trials.
- ``models``: a trained model that answers for new rows, as arrays and ``frames`` hold them.
- ``prediction``: its answers for a table of any length; ``prediction_scores``: how good they are,
  ``training_table``: and whether that is no test.
- ``onnx_graph``: the model as one file for other programs.
- ``listing``: which there are in a folder, how they ended, how good they are. ``ended_trials``:
  how far a sweep is.
  ``columns``: what is known of each; ``filters``: sorting and choosing among them;
  ``groups``: means over seeds; ``runs_frame``: as a data frame.
- ``labels``: tags and notes. ``trash``: where they are deleted to.
- ``comparison``: runs side by side.
- ``duels``: two models on the same test rows.
- ``contests``: who is better over the same seeds, folds or data sets; what these are is in
  ``designs``, who they are in ``runs_contest`` and ``settings_contest``. ``conclusions`` says what
  that means, ``shown_contests`` shows it.
- ``redraw``: pictures drawn once more. ``shown``: runs and sweeps that show themselves.
"""
