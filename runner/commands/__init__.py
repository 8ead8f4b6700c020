"""The commands of `tricks-bench`, a file each: parse, call, print."""
