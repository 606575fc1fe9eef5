"""The report, reproduced: its figures run again, its conclusions and claims judged by rules.

- ``report``: the report's numbers, which ``report.yaml`` holds; no file here holds a fresh one.
- ``parts``: what can be run; ``figure_parts``: what is, for the figures; ``selection``: all of it.
  ``run`` runs it into a ``folder``, and goes on with it; ``side_by_side``: who begins when.
- ``carried_over``: figure 6 with one network kept across its cells. ``exclusive_or``, ``timing``:
  what is measured and no sweep; ``records``: what is kept of it.
- ``evidence``: what fresh runs gave; ``rules`` judge it by ``bars``, and ``verdicts`` says which.
- ``claims``: what the report's text says, a file each.
- ``page``, of ``tables``, ``plots`` and ``claim_sections``.
- ``commands`` and ``console``: ``isolet-nn reproduce``, and what it prints; of its baselines too.
"""
