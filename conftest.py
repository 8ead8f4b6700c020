"""What holds for all tests."""

import os

# Compiling a network takes a minute: tests over the whole bag train `compile` as torch does where
# it finds no compiler, without. What it compiles has tests of its own.
os.environ.setdefault("TORCHDYNAMO_DISABLE", "1")
# As many test processes as cores: the threads of each one's small matrices are in the way.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
