"""What notebooks show; what is shown is handed to it.

- ``cards``: a run or a sweep at a glance, as HTML.
- ``pictures``: picture files that show themselves. ``html``: what pages and cards are made with.
- ``frames``: columns as a pandas data frame.
"""
