"""The board: runs and sweeps in the browser, live while they train; nothing is ever written.

- ``index``: which there are, brought up to date at little cost.
- ``table``: the table of them. ``answers``: this and the documents of `pages`, made when due.
- ``app``: what is answered at which address; ``files``: downloads. ``guard``: who may ask.
- ``serving``: a port taken, served until Ctrl-C.
- ``assets``: the page, and its table.
"""
