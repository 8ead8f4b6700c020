"""Runs in jobs of a cluster: submissions, the work of each job, and how jobs are observed."""
