"""Engines: they start the processes of an execution."""
