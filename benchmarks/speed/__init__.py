"""The measurements of `python -m benchmarks`: each file here is one, found automatically.

Each file has `measure(conditions) -> Iterator[Ratio]`.
"""
