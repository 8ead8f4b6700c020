"""Studies: their files, looks and tuning, and which recorded runs belong to them."""
