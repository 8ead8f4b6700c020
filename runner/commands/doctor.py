"""doctor: describe this installation, or verify a folder of results."""

from __future__ import annotations

import importlib.metadata
import os
import platform
from dataclasses import asdict
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from runner.commands.json_output import print_json
from runner.commands.options import Json, Plugins, Results, load_plugins
from runner.execution.device_summary import choices
from runner.execution.engines import registry
from runner.execution.machine import cores
from runner.records.layout import RESULTS
from runner.text import counted, size
from tricks.errors import BadInput

if TYPE_CHECKING:
    from runner.images.caches import Kept

PACKAGES = ("tricks-bench", "torch", "torchvision", "timm", "numpy", "pandas", "scipy")


def doctor(
    folder: Annotated[
        Path | None,
        typer.Argument(metavar="[DIR]", help="Verify this folder of results, or this export."),
    ] = None,
    repair: Annotated[
        bool,
        typer.Option(
            "--repair", help="With DIR: repair what can be repaired. No record is ever deleted."
        ),
    ] = False,
    clean: Annotated[
        bool,
        typer.Option(
            "--clean",
            help="Remove image caches, unpacked archives and written data sets that are "
            "incomplete or unused.",
        ),
    ] = False,
    results: Results = RESULTS,
    plugin: Plugins = None,
    json: Json = False,
) -> int:
    """Show versions, cores, device, store, plug-ins and cached images; or verify the folder DIR.

    \b
    tricks-bench doctor results            verify records, studies, claims, models; change nothing
    tricks-bench doctor results --repair   move damaged files to quarantine/, rebuild the index
    """
    if folder is not None:
        if clean:
            raise BadInput(
                "--clean is for cached images, which no folder of results holds: "
                "leave out the folder"
            )
        from runner.commands.verifying import verify_folder

        return verify_folder(folder, repair, json)
    if repair:
        raise BadInput("--repair needs the folder: `tricks-bench doctor results --repair`")
    from runner.images import caches, stored_sets
    from runner.images.counting import on_stderr

    load_plugins(plugin)
    store, usable = _store(results)
    found: dict[str, Any] = {
        "python": platform.python_version(),
        **{name: _version(name) for name in PACKAGES},
        "cores": cores(),
        "device": _device(),
        "chosen": choices(),
        "engines": {name: why or "usable" for name, why in registry.usable().items()},
        "store": store,
        "plugins": _plugins(),
    }
    kept = {
        "image caches": caches.examined(on_stderr),
        "unpacked": stored_sets.unpacked(),
        "data sets": stored_sets.data_sets(),
    }
    if clean:
        for one in chain(*kept.values()):
            if one.fault:
                caches.remove(one.folder)
    if json:
        told = {
            name.replace(" ", "_"): [asdict(one) | {"folder": str(one.folder)} for one in some]
            for name, some in kept.items()
        }
        print_json({**found, **told, "cleaned": clean, "usable": usable})
    else:
        chosen = found.pop("chosen")
        found["engines"] = [f"{name}: {why}" for name, why in found["engines"].items()]
        found |= {name: [_told(one, clean) for one in some] for name, some in kept.items()}
        for key, value in (found | chosen).items():
            text = ", ".join(value) or "none" if isinstance(value, list) else value
            print(f"{key:14}{text}")
    return 0 if usable else 1


def _told(cache: Kept, clean: bool) -> str:
    """A folder of cached images in one line."""
    what = f"{cache.folder}: {size(cache.bytes)}"
    if cache.images:
        what += f", {counted(cache.images, 'image')}"
    if cache.places:
        what += f" of {' and '.join(cache.places)}"
    if cache.fault:
        what += f"; {cache.fault}: {'removed' if clean else '`doctor --clean` removes it'}"
    return what


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "missing"


def _device() -> str:
    try:
        import torch
    except ImportError as error:
        return f"none: {error}"
    if torch.cuda.is_available():
        return ", ".join(torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count()))
    return "cpu"


def _store(results: Path) -> tuple[str, bool]:
    """The store in words, and whether runs can be recorded in it. Creates nothing."""
    from runner.records.store import Store

    if not results.exists():
        parent = next(p for p in (results.absolute(), *results.absolute().parents) if p.exists())
        if os.access(parent, os.W_OK):
            return f"{results}: the first run will create it", True
        return f"{results}: cannot be created, {parent} is not writable", False
    try:
        if not (results / "FORMAT").exists():
            return f"{results}: a folder without runs", os.access(results, os.W_OK)
        count = len(Store(results, create=False).ids())
    except BadInput as error:
        return str(error), False
    writable = os.access(results, os.W_OK)
    return f"{results}: {counted(count, 'run')}, {'' if writable else 'not '}writable", writable


def _plugins() -> list[str]:
    """Tricks from outside the bag, each with its file; and installed plug-ins that do not load."""
    import inspect

    from tricks.bag import registry
    from tricks.loading import broken

    good = [
        f"{name} ({inspect.getsourcefile(cls)})"
        for name, cls in registry().items()
        if cls.group() == "plugin"
    ]
    return good + [f"broken: {name}: {reason}" for name, reason in broken().items()]
