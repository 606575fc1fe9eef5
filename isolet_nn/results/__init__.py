"""What reads runs and sweeps alike.

- ``selection``: which run is meant, of those in folders and of a sweep's trials.
- ``models``: a trained model that answers for new rows, as arrays and ``frames`` hold them.
- ``prediction``: its answers for a table of any length.
- ``onnx_graph``: the model as one file for other programs.
- ``listing``: which there are in a folder, how they ended, how good they are.
- ``filters``: sorting and choosing among them.
- ``comparison``: runs side by side.
- ``duels``: two models on the same test rows.
- ``redraw``: pictures drawn once more. ``shown``: runs and sweeps that show themselves.
"""
