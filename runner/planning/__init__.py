"""Before a run: seeds needed, precision, aliases, hours."""
