"""What reads runs and sweeps alike.

- ``listing``: which there are in a folder, how they ended, how good they are.
- ``filters``: sorting and choosing among them.
- ``comparison``: runs side by side.
- ``duels``: two models on the same test rows.
- ``redraw``: pictures drawn once more.
"""
