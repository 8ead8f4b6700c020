"""One file a metric: what it measures, in which unit, and how it follows from predictions."""
