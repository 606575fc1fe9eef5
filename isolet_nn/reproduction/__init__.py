"""The report, reproduced: its figures run again, and each of its conclusions judged by a rule.

``report.yaml`` holds its numbers; nothing in here holds a result of a fresh run.
"""
