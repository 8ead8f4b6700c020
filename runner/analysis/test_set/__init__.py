"""The noise that comes from the choice of test images."""
