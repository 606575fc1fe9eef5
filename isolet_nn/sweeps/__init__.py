"""Sweeps: many trials of one experiment, planned so that the same results cost less work.

A sweep file (config and distributions, read by loading) becomes a table of trials (grid), the table
becomes cohorts (plan), cohorts go to local processes or to a cluster (execute), and every result
goes to a journal from which a sweep can go on after anything.
"""
