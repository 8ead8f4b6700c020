"""Folders of images: parts, one folder a class, files."""

from __future__ import annotations

from pathlib import Path

from tricks.errors import BadInput

EXTENSIONS = frozenset((".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff", ".ppm", ".pgm"))


# What people call the parts of a data set.
PARTS = {
    "train": ("train", "training", "seg_train"),
    "val": ("val", "valid", "validation", "dev"),
    "test": ("test", "testing", "seg_test"),
}


Listing = dict[str, list[Path]]  # class -> its files


def find_parts(path: Path) -> dict[str, Listing]:
    """Part (train, val, test; or `all` for a folder without parts) -> class -> files.

    Raises BadInput for a missing folder, a class without images, or parts with unlike classes.
    """
    if not path.is_dir():
        raise BadInput(f"{path}: there is no such folder; give a folder that holds one a class")
    inside = {child.name.lower(): child for child in path.iterdir() if child.is_dir()}
    found: dict[str, Path] = {}
    for part, known in PARTS.items():
        named = [inside[name] for name in known if name in inside]
        if len(named) > 1:
            raise BadInput(f"{path}: {named[0].name} and {named[1].name} both look like {part}")
        if named:
            found[part] = named[0]
    if "train" not in found:
        return {"all": _classes(path)}
    parts = {part: _classes(folder) for part, folder in found.items()}
    for part, classes in parts.items():
        if set(classes) != set(parts["train"]):
            odd = sorted(set(classes) ^ set(parts["train"]))[0]
            raise BadInput(
                f"{found[part]}: its classes are not those of {found['train']}: {odd!r} is in one"
            )
    return parts


def _classes(folder: Path) -> Listing:
    classes = {}
    for child in sorted(folder.iterdir()):
        if child.is_dir() and not child.name.startswith("."):
            files = sorted(f for f in child.rglob("*") if f.suffix.lower() in EXTENSIONS)
            if not files:
                raise BadInput(f"{child}: a class without images; add some or remove the folder")
            classes[child.name] = files
    if len(classes) < 2:
        raise BadInput(
            f"{folder}: {len(classes)} class folders; give a folder that holds one a class, "
            "at least two"
        )
    return classes


def images_below(path: Path) -> list[Path]:
    """Every image below the folder, sorted; hidden ones are left out. Raises BadInput if none."""
    files = sorted(
        file
        for file in path.rglob("*")
        if file.suffix.lower() in EXTENSIONS
        and file.is_file()
        and not any(part.startswith(".") for part in file.relative_to(path).parts)
    )
    if not files:
        raise BadInput(f"{path}: no images in it ({', '.join(sorted(EXTENSIONS))})")
    return files
