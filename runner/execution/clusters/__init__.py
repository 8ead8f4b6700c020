"""Runs in jobs of a cluster: what is submitted, what each job does, what can be seen of it."""
