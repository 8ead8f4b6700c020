"""Faults, injected for real into real processes; each gives the figures of what came of it.

A function raises AssertionError where a promise was broken. Tests call them in short form, and
`python -m benchmarks.faults` in long form.
"""
