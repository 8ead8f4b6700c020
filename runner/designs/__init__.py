"""Designs: factors -> arms. Torch-free. Arms are generated lazily."""
