"""One run of somebody's own training script: its command, its process, what it left. Torch-free."""
