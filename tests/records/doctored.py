"""What doctor says of a folder, and the folder's content before and after."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from runner.cli import call

IDS = [f"{n:02x}" + "0" * 14 for n in range(6)]


def doctor(folder: Path, capsys: Any, *more: str) -> tuple[int, dict[str, Any]]:
    code = call(["doctor", str(folder), "--json", *more])
    return code, json.loads(capsys.readouterr().out)


def content(folder: Path) -> dict[str, bytes]:
    files = [p for p in folder.rglob("*") if p.is_file() and not p.is_symlink()]
    return {str(p.relative_to(folder)): p.read_bytes() for p in files}
