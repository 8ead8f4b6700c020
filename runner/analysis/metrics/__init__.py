"""One file per metric: its meaning, its unit, and its computation from predictions."""
