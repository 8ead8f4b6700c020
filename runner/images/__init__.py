"""From files to tensors: sources of images and their splits."""
