"""Is a baseline worth ablating: what its check says, from few runs on validation."""
