"""What is asked: a study, its file, its looks, its tuning, and which recorded runs answer it."""
