"""Plots of a report, one kind a file: from the analysis as JSON values to a figure."""
