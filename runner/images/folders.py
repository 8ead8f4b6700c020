"""Folders of images: which level is parts, and which is classes. Ambiguous folders are refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from runner.images.archives import SUFFIXES, folder_at
from runner.images.file_list import NONE
from runner.images.listed import Listed, odd_labels, once, same_text
from runner.images.parts import PARTS, part_of, part_within
from runner.images.rows import Piece, Rows
from runner.images.walk import OTHER, Folder, Passed, walk
from tricks.errors import BadInput

LOOSE, EMPTY, BESIDE = "in no class folder", "no images in it", "neither part nor class"
WITHOUT = "without class folders"


def read_folder(path: Path) -> Listed:
    """The images in the folder or archive `path`: one folder per class, optionally within parts.

    Raises BadInput for a missing folder, a class without images, parts with different classes, or a
    level that could be parts as well as classes.
    """
    path = folder_at(path)
    if path.is_file():
        raise BadInput(
            f"{path}: a file, but not an archive ({', '.join(SUFFIXES)}): give a folder with one "
            "subfolder per class, or csv:FILE for a CSV"
        )
    top, passed = walk(path)
    parts, own, notes = _parts(_inner(top))
    passed += own
    pieces: list[Piece] = []
    names: dict[str, set[str]] = {}
    for part, folder in parts.items():
        classes = _inner(folder)
        within = _parts_within(classes, part)
        passed += tuple(Passed(image.path, LOOSE) for image in classes.images)
        names[part] = _checked(classes, passed)
        for child in classes.folders:
            pieces += [
                Piece(held.all_images, child.path.name, own)
                for own, held in within.get(child, {part: child}).items()
            ]
        if within:
            pieces.sort(key=lambda piece: list(PARTS).index(piece.part))
            notes += ("each class has parts of its own",)
    for part, folder in parts.items():
        odd = sorted(names[part] ^ next(iter(names.values())))
        if odd:
            twin = same_text(odd[0], odd)
            raise BadInput(
                f"{folder.path}: its classes differ from those of {parts['train'].path}: "
                f"{odd[0]!r} is in only one of the two"
                + ("" if twin is None else f": {odd[0]!a} and {twin!a} differ in Unicode form")
            )
    rows = Rows.joined(pieces)
    kept, twice, leaks = once(rows, lambda i: str(rows[i].file.path))
    found = Listed(path, rows.take(kept), passed + twice, leaks=leaks)
    return replace(found, notes=(*notes, *odd_labels(found.classes)))


def class_folders(path: Path, classes: set[str]) -> tuple[Folder, tuple[Passed, ...]]:
    """The folder at or below `path` that holds some of `classes`, and skipped files.

    If the folder has parts, or each class has parts: the test part. Raises BadInput if no folder
    has images.
    """
    top, passed = walk(path)
    top = _inner(top)
    if not classes & {folder.path.name for folder in top.folders}:
        tests = [folder for folder, part in _roles(top).items() if part == "test"]
        if len(tests) == 1:
            top = _inner(tests[0])
    within = _parts_within(top, "")
    if within and all("test" in own for own in within.values()):
        held = tuple(Folder(child.path, NONE, (own["test"],)) for child, own in within.items())
        top = Folder(top.path, NONE, held)
    if not top.holding():
        raise BadInput(f"{top.path}: no folders in it; give a folder with one subfolder per class")
    passed += tuple(Passed(image.path, LOOSE) for image in top.images)
    return top, passed


def _inner(folder: Folder) -> Folder:
    """The only folder in `folder`, if it holds everything, as in many archives; else `folder`."""
    while not len(folder.images) and len(folder.holding()) == 1:
        within = folder.holding()[0]
        same = within.path.name == folder.path.name
        if not (within.holding() and (same or not part_of(within.path.name))):
            break
        folder = within
    return folder


def _labelled(folder: Folder) -> bool:
    """Whether `folder` has class folders. A single subfolder with the same name is none."""
    names = [child.path.name for child in _inner(folder).holding()]
    return bool(names) and names != [folder.path.name]


def _class_names(folder: Folder) -> set[str]:
    return {child.path.name for child in _inner(folder).holding()}


def _parts(top: Folder) -> tuple[dict[str, Folder], tuple[Passed, ...], tuple[str, ...]]:
    """Part -> its folder ("" for a folder of classes), skipped files, and notes."""
    roles = _roles(top)
    likely = [folder for folder, role in roles.items() if role]
    others = [folder for folder, role in roles.items() if not role]
    train = [folder for folder in likely if roles[folder] == "train" and _labelled(folder)]
    if not train:
        return {"": top}, (), _as_classes(top, roles, likely, others)
    passed = [Passed(folder.path, EMPTY) for folder in top.folders if not len(folder.all_images)]
    passed += [Passed(image.path, LOOSE) for image in top.images]
    parts: dict[str, Folder] = {}
    for folder in likely:
        part = roles[folder]
        if not _labelled(folder) or part == "unlabelled":
            passed.append(Passed(folder.path, WITHOUT))
        elif part == "unsure":
            raise BadInput(f"{folder.path} beside {train[0].path}: call it val or test, or move it")
        elif part in parts:
            raise BadInput(
                f"{top.path}: {parts[part].path.name} and {folder.path.name} both look like {part}"
            )
        else:
            parts[part] = folder
    for folder in others:
        if _class_names(folder) & _class_names(train[0]):
            raise BadInput(
                f"{folder.path} has classes of {train[0].path}: call it val or test, or move it"
            )
        passed.append(Passed(folder.path, BESIDE))
    if others and len(parts) == 1:
        names = " and ".join(folder.path.name for folder in others[:2])
        raise BadInput(
            f"{top.path}: {names} beside {train[0].path.name}, which has folders of its own: "
            f"rename {train[0].path.name} if it is a class, move the others away if it is a part"
        )
    ordered = {part: parts[part] for part in PARTS if part in parts}
    renamed = [f"{f.path.name} is {part}" for part, f in ordered.items() if f.path.name != part]
    return (
        ordered,
        tuple(passed),
        (f"parts by their names: {', '.join(renamed)}",) if renamed else (),
    )


def _roles(top: Folder) -> dict[Folder, str]:
    """Folder -> the part that its name means, or "".

    Longer names (01_train, animals_test) count if all folders have such a name and the same
    classes.
    """
    folders = top.holding()
    roles = {folder: part_of(folder.path.name) for folder in folders}
    longer = {folder: part_within(folder.path.name) for folder in folders}
    parts, classes = list(longer.values()), list(map(_class_names, folders))
    alike = all(names and names == classes[0] for names in classes)
    if not any(roles.values()) and "train" in parts and "" not in parts and alike:
        return longer if len(set(parts)) == len(parts) > 1 else roles
    return roles


def _parts_within(classes: Folder, part: str) -> dict[Folder, dict[str, Folder]]:
    """Class -> its parts, if all classes have the same parts: cat/train, cat/test, dog/train, …

    Raises BadInput if classes have different parts, or if the classes are themselves in a part.
    """
    found: dict[Folder, dict[str, Folder]] = {}
    for child in classes.folders:
        held = {part_of(folder.path.name): folder for folder in child.holding()}
        if "train" in held and len(held.keys() & PARTS) > 1:
            found[child] = {name: held[name] for name in PARTS if name in held}
    if not found:
        return {}
    child, own = next(iter(found.items()))
    plain = not any(len(one.images) for one in classes.folders) and all(
        len(one.holding()) == len(found.get(one, ())) and list(found[one]) == list(own)
        and not any(held.folders for held in found[one].values())
        for one in classes.folders
    )  # fmt: skip
    if part or not plain:
        names = " and ".join(held.path.name for held in own.values())
        raise BadInput(
            f"{child.path}: {names} look like parts of this class: put parts above classes, as in "
            f"train/{child.path.name}"
        )
    return found


def _as_classes(
    top: Folder, roles: dict[Folder, str], likely: list[Folder], others: list[Folder]
) -> tuple[str, ...]:
    """Notes on classes whose names look like parts. Raises BadInput if they may be parts."""
    if not likely:
        return ()
    named = " and ".join(folder.path.name for folder in likely[:2])
    if not others:
        if any(roles[folder] == "train" for folder in likely):
            raise BadInput(f"{top.path}: {named} look like parts, but hold no class folders")
        raise BadInput(
            f"{top.path}: {named} look like parts, but there is no train: name a folder train"
        )
    names = {folder.path.name for folder in others}
    for folder in likely:
        both = sorted(_class_names(folder) & names)
        if both:
            raise BadInput(
                f"{top.path}: the class {both[0]} stands beside {folder.path.name} and in it: put "
                "the classes to train on into a folder called train"
            )
    unsure = [folder for folder in likely if roles[folder] not in ("train", "val")]
    if unsure or len(likely) > 1:
        raise BadInput(
            f"{top.path}: {named} beside {others[0].path.name}: parts, or classes of these "
            "names? Rename classes, and put the classes to train on into a folder called train"
        )
    return (f"{named} is taken for a class: it stands beside {others[0].path.name}",)


def _checked(folder: Folder, passed: tuple[Passed, ...]) -> set[str]:
    """The names of the class folders. Raises BadInput for fewer than two, or an empty one."""
    for child in folder.folders:
        if not len(child.all_images):
            raise BadInput(
                f"{child.path}: a class without images{_unread(child.path, passed)}; add some or "
                "remove the folder"
            )
    if len(folder.folders) < 2:
        raise BadInput(
            f"{folder.path}: {len(folder.folders)} class folders"
            f"{_unread(folder.path, passed)}; give a folder with one subfolder per class, at "
            "least two"
        )
    return {child.path.name for child in folder.folders}


def _unread(folder: Path, passed: tuple[Passed, ...]) -> str:
    """The kinds of files below `folder` that are not read as images, as a remark."""
    files = [it.path for it in passed if it.why == OTHER and it.path.is_relative_to(folder)]
    kinds = sorted({file.suffix.lower() or file.name for file in files})
    return f" ({', '.join(kinds[:6])} files are not read)" if kinds else ""
