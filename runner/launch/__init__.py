"""Train the missing runs of a study, with looks, tuning, confirmation and weights."""
