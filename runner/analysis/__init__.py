"""Analysis: from records to effects, each with its estimand, interval and verdict. Torch-free."""
