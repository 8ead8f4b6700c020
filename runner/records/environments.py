"""Environments: the packages with which runs were trained; each distinct list is kept once.

environments/<sha256>.txt: Python's version, then a line for each package, which `pip install -r`
takes. The name is the SHA-256 of the content; records and exports name their list by it.
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
NAME = re.compile(r"[0-9a-f]{64}\.txt")


def installed() -> str:
    """What is installed for this Python, in about 0.1 s.

    Its source is also run by other Pythons, so it needs the standard library alone.
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
            found.setdefault(name, line)  # the first on the path is the one imported
    return "\n".join([f"# Python {platform.python_version()}", *sorted(found.values()), ""])


@functools.cache
def here() -> str:
    """`installed`; "" where somebody's package describes itself so that it cannot be read."""
    try:
        return installed()
    except Exception:  # no training is lost for this
        return ""


def versions(text: str, names: Iterable[str]) -> dict[str, str]:
    """Those of Python and of the packages `names`, as far as the list `text` has them.

    >>> versions("# Python 3.11.9\\nnumpy==2.1.0\\ntorch==2.10.0\\n", ["torch", "jax"])
    {'python': '3.11.9', 'torch': '2.10.0'}
    """
    found = dict(re.findall(r"^(?:# )?([A-Za-z0-9-]+)(?:==| )(\S+)$", text, re.MULTILINE))
    asked = {name: found[name] for name in names if name in found}
    return {"python": found["Python"], **asked} if "Python" in found else asked


def digest(text: str) -> str:
    """64 hex digits that name the list `text`."""
    return hashlib.sha256(text.encode()).hexdigest()


def path(root: Path, digest: str) -> Path:
    """Where the list of that digest is, below a store or an export."""
    return root / FOLDER / f"{digest}.txt"


def save(root: Path, text: str) -> None:
    """Keep a list, if it is not there. Raises OSError where it cannot be written."""
    file = path(root, digest(text))
    if not file.exists():
        atomic_write.create(file, text.encode())


def load(root: Path, digest: str) -> str | None:
    """The list of that digest; None where it is not there, or was changed."""
    file = path(root, digest)
    return None if damage(file) else atomic_write.read(file, most=LARGEST).decode()


def damage(file: Path) -> str:
    """Why the list in `file` is none of its name; "" where it is one."""
    try:
        content = atomic_write.read(file, most=LARGEST)
    except OSError as error:
        return error.strerror or str(error)
    same = hashlib.sha256(content).hexdigest() == file.stem
    return "" if same else "its content is not what its name says"


def found(root: Path, digests: Iterable[str | None]) -> dict[str, str]:
    """Those of the lists that are there, by digest."""
    texts = {one: load(root, one) for one in dict.fromkeys(digests) if one is not None}
    return {one: text for one, text in texts.items() if text is not None}


def copy(source: Path, target: Path, digests: Iterable[str | None]) -> None:
    """Copy those lists from one store or export into another. Raises OSError."""
    lacking = (one for one in digests if one is None or not path(target, one).exists())
    for text in found(source, lacking).values():
        save(target, text)
