"""What the choice of test images adds to the noise."""
