"""Designs: factors -> arms. Torch-free; arms are generated lazily."""
