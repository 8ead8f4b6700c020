"""Many runs of any kind: claims, processes, retries, progress. Torch-free."""
