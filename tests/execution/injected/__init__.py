"""Real faults injected into real processes; each function returns counts of the outcomes.

A function raises AssertionError where a promise was broken. Tests call them in short form, and
`python -m benchmarks.faults` in long form.
"""
