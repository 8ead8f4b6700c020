"""Train what a study lacks: looks, tuning, confirmation, weights."""
