"""What is measured by `python -m benchmarks`: a file here is one measurement, found by itself.

Each has `measure(conditions) -> Iterator[Ratio]`.
"""
