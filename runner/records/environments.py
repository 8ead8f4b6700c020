"""Environments: the packages with which runs were trained; each distinct list is stored once.

environments/<sha256>.txt: Python's version, then a line for each package. `pip install -r` reads
it. The name is the SHA-256 of the content; records and exports refer to their list by this name.
"""

from __future__ import annotations

import functools
import hashlib
import re
from collections.abc import Iterable
from pathlib import Path

from runner.records import atomic_write

FOLDER = "environments"
LARGEST = 1 << 20  # bytes of a list


def installed() -> str:
    """The list of packages that are installed for this Python. Takes about 0.1 s.

    Other Pythons also run the source of this function, so it imports only the standard library.
    """
    import json
    import platform
    import re
    from importlib.metadata import distributions

    found: dict[str, str] = {}
    for one in distributions():
        name = re.sub(r"[-_.]+", "-", one.metadata["Name"] or "").lower()
        origin = json.loads(one.read_text("direct_url.json") or "{}")
        revision = origin.get("vcs_info")
        line = f"{name}=={one.version}"
        if revision:
            line = f"{name} @ {revision['vcs']}+{origin['url']}@{revision['commit_id']}"
        if name:
            found.setdefault(name, line)  # Python imports the first one on the path
    return "\n".join([f"# Python {platform.python_version()}", *sorted(found.values()), ""])


@functools.cache
def here() -> str:
    """`installed()`; "" if the metadata of a package cannot be read."""
    try:
        return installed()
    except Exception:  # a training must not fail for this reason
        return ""


def versions(text: str, names: Iterable[str]) -> dict[str, str]:
    """The versions of Python and of the packages `names` in the list `text`; missing ones left out.

    >>> versions("# Python 3.11.9\\nnumpy==2.1.0\\ntorch==2.10.0\\n", ["torch", "jax"])
    {'python': '3.11.9', 'torch': '2.10.0'}
    """
    found = dict(re.findall(r"^(?:# )?([A-Za-z0-9-]+)(?:==| )(\S+)$", text, re.MULTILINE))
    asked = {name: found[name] for name in names if name in found}
    return {"python": found["Python"], **asked} if "Python" in found else asked


def digest(text: str) -> str:
    """The name of the list `text`: 64 hex digits."""
    return hashlib.sha256(text.encode()).hexdigest()


def path(root: Path, digest: str) -> Path:
    """The path of the list with this digest, in the store or export `root`."""
    return root / FOLDER / f"{digest}.txt"


def save(root: Path, text: str) -> None:
    """Store a list, unless it is there already. Raises OSError if it cannot be written."""
    file = path(root, digest(text))
    if not file.exists():
        atomic_write.create(file, text.encode())


def load(root: Path, digest: str) -> str | None:
    """The list with this digest; None if it is missing or was changed."""
    file = path(root, digest)
    return None if damage(file) else atomic_write.read(file, most=LARGEST).decode()


def damage(file: Path) -> str:
    """Why `file` is not the list that its name promises; "" if it is."""
    try:
        content = atomic_write.read(file, most=LARGEST)
    except OSError as error:
        return error.strerror or str(error)
    same = hashlib.sha256(content).hexdigest() == file.stem
    return "" if same else "its content does not match its name"


def found(root: Path, digests: Iterable[str | None]) -> dict[str, str]:
    """The text of each list that exists, by digest."""
    texts = {one: load(root, one) for one in dict.fromkeys(digests) if one is not None}
    return {one: text for one, text in texts.items() if text is not None}


def copy(source: Path, target: Path, digests: Iterable[str | None]) -> None:
    """Copy the lists with these digests to another store or export. Raises OSError."""
    lacking = (one for one in digests if one is None or not path(target, one).exists())
    for text in found(source, lacking).values():
        save(target, text)
