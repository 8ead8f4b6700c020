"""Finished runs to trackers: a file beside this one that defines EXPORTER adds one."""
