"""What a trained model is used for: predictions, evaluation, attention maps."""
