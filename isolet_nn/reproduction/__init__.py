"""The report, reproduced: its figures run again, and each of its conclusions judged by a rule.

- ``report``: the report's numbers, which ``report.yaml`` holds; no file here holds a fresh one.
- ``parts``: what is run for which figure; ``run`` runs it into a ``folder``, and goes on with it.
- ``carried_over``: figure 6 with one network kept across its cells.
- ``evidence``: what fresh runs gave; ``rules`` judge it, and ``verdicts`` says which rule.
- ``page``, of ``tables`` and ``plots``.
- ``commands`` and ``console``: ``isolet-nn reproduce``, and what it prints; of its baselines too.
"""
