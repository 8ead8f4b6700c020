"""Checks for a GPU, each with its expected result, in eight minutes."""
