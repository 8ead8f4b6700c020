"""The layout of a design's arms, which decides how its effects are estimated."""

FACTORIAL = "factorial"  # factors vary together: a model of all arms
ONE_AT_A_TIME = "one-at-a-time"  # each arm differs from one arm in one factor
CUMULATIVE = "cumulative"  # each arm adds one factor to the arm before
PAIRS = "pairs"  # one factor at a time, and every two factors together
