"""The name of a CSV task: its file, and the column that groups its images."""

from __future__ import annotations

import re

from runner.images.user_path import user_path


def file_and_column(text: str) -> tuple[str, str]:
    """The file and the column for groups ("" for none) of `PATH` or `PATH#COLUMN`.

    Both may contain a #: PATH is the longest beginning that is a file.
    """
    places = [len(text), *(match.start() for match in reversed(list(re.finditer("#", text))))]
    for place in places:
        if text[:place] and user_path(text[:place]).is_file():
            return text[:place], text[place + 1 :]
    left, _, right = text.rpartition("#")
    return (left, right) if left and not right.lower().endswith(".csv") else (text, "")
