"""Model, budget and baseline for each data set. Torch-free."""
