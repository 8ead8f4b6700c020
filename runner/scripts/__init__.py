"""One run of the user's own training script: its command, process and results. Torch-free."""
