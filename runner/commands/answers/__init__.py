"""What commands print with --json, as types; published as docs/json_schema.json.

Keys may be added and stay; null stands for what is not known, mostly with a `reason` beside it.
"""
