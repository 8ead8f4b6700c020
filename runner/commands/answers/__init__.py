"""The JSON that commands print with --json, as types; published as docs/json_schema.json.

Keys may be added, never removed. null means unknown, mostly with a `reason` beside it.
"""
