"""Effects of a factorial by a linear model, and the error term of the model."""
