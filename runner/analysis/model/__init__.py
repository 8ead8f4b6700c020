"""Effects of a factorial by a linear model, and its error term."""
