"""A recipe for use elsewhere: a PyTorch script, timm's arguments, a study's TOML, JSON."""
