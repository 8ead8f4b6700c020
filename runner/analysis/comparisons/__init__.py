"""Effects from comparisons of arms."""
