"""The data folder under fire: killed processes, power cuts, full disks, many processes, damage.

A server that has only imported the package forks the processes that are to die, so that a death costs no start of
Python. By default a run takes a sample that fits into a few minutes; ``CRASH_ROUNDS=200`` dies at 200 random moments,
and at every point of a sync.
"""
