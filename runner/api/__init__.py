"""The functions and types that scripts and notebooks call. `tricks_bench.py` exports the names."""
