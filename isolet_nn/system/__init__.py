"""What the operating system is asked for.

- ``files``: written whole or not at all, read within bounds; JSON as the standard has it.
- ``csv_tables``: the one way to write and read CSV.
- ``folders``: names, locks and files of run and sweep folders.
- ``statuses``: how a run, a sweep or a trial stands.
- ``processes``, ``interrupts``, ``start``: how programs begin, and how Ctrl-C ends them.
- ``machine``: cores, memory, versions.
"""
