"""Text from elsewhere made harmless to look at: what steers a terminal or turns the line is shown.

Names of files and classes, of a stranger's columns and levels can hold any character.
"""

from __future__ import annotations

import re
from typing import Any, TextIO

# C0 and C1 controls but tab and newline; line and paragraph separators; what turns the direction
# of a line, or has no width and lets two names look alike; halves of characters.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f"
    "\ufeff\ufff9-\ufffb\ud800-\udfff\ufffe\uffff\U000e0000-\U000e007f]"
)


def visible(text: str) -> str:
    r"""`text` with each unseen character as its escape.

    >>> print(visible("a\x1b[2Jb\u202ecod"))
    a\x1b[2Jb\u202ecod
    """
    return _UNSEEN.sub(_escape, text)


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


class Shown:
    """A stream that text reaches only as `visible` gives it; otherwise as the stream itself."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        """Write `text`; on a terminal nothing in it can do more than be read."""
        return self._stream.write(visible(text))

    def writelines(self, lines: Any) -> None:
        """Write each of `lines`."""
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def unfiltered(stream: TextIO) -> TextIO:
    """What is behind a `Shown`, for who draws with control characters of his own."""
    return stream._stream if isinstance(stream, Shown) else stream
