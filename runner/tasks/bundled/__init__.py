"""The tasks with a fixed name: one file for each kind of source. `TASKS` in a file adds tasks."""
