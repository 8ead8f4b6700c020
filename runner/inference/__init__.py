"""Uses of a trained model: predictions, evaluation, attention maps, recipes."""
