"""Planning before a run: needed seeds, precision, aliases, hours."""
