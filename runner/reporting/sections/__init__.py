"""The sections of a report, a file each; `runner.reporting.contents` finds them."""
