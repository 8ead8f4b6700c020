"""The rooms as a script or notebook calls them; `tricks_bench.py` hands on the names."""
