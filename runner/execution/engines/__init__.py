"""Engines: where the processes of an execution run."""
