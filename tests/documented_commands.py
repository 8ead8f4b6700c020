"""Every command of README.md and docs/, carried out: `python -m tests.documented_commands`.

Page by page, in a temporary folder with a store, a few images, a script and a plug-in. Commands
that train are dry runs but for `SMALL`, which train a little. What cannot be carried out here is
named with its reason. Exit code 1 where a command fails. Words are pages: README.md alone.
"""

from __future__ import annotations

import contextlib
import io
import os
import shlex
import shutil
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from msgspec import structs

from tests.readme import FENCES, PAGES, ROOT, command_lines

TINY = ("--set", "train_images=64", "--set", "epochs=1", "--workers", "1")
ABOVE_CHANCE = ("--set", "epochs=10", "--workers", "1")  # so that there is a recipe to take
# Command -> what makes it small enough to be trained in earnest.
SMALL = {
    "run --seeds 5": ("--tricks", "mixup,cosine", "--smoke"),
    "run --plugin my_trick.py --tricks my-trick,cosine --name mine": ("--smoke",),
    "run --tricks cosine,lars --name mine --save-models best": (*ABOVE_CHANCE, "--seeds", "2"),
    "run --tricks warmup,cosine --name mine --results results-a": (*TINY, "--seeds", "1"),
    "run --tricks mixup,cutmix --name mine --results results-b": (*TINY, "--seeds", "1"),
}
DRY = ("run", "check")  # commands that train
KEEP_NOTHING = ("--dry-run", "--smoke")
# A part of a command -> why it cannot be carried out here.
ELSEWHERE = {
    "--engine": "needs a cluster; tests/clusters has its own",
    "fashion-mnist": "needs a data set from the network",
    "cancel": "needs jobs of a cluster",
    "--to mlflow": "needs the extra [mlflow]; tests/exporters has its own",
    "start=3f9c0a12": "the id stands for a run of one's own",
    "mine.safetensors": "the file stands for weights of one's own",
    "efficientnet-lite0.safetensors": "needs weights from a package index",
    "start=scratch,pretrained": "needs weights from the network",
    "attention RUN": "RUN stands for a run of one's own",
    "--study cifar100": "needs weights from the network",
}
SCRIPT = """
import json, sys
out = sys.argv[sys.argv.index("--output") + 1]
json.dump({"top1": 90.0 + ("--mixup" in sys.argv)}, open(f"{out}/result.json", "w"))
"""


class Done(NamedTuple):
    """A command and what became of it. said: the reason, or the last line of its output."""

    page: str
    command: str
    state: str
    said: str = ""


def prepare(folder: Path, mine: bool) -> None:
    """What the commands of a page take for granted. mine: also a study of that name."""
    from PIL import Image

    from runner.records.store import Store
    from runner.records.studies import load_study, save_study

    for kind in ("path/to/images", "photos", "my_images", "FOLDER"):
        for part in ("cats", "dogs"):
            (folder / kind / part).mkdir(parents=True)
            for i in range(20):
                shade = (10 * i, 128 if part == "cats" else 20, 255 - 10 * i)
                Image.new("RGB", (24, 24), shade).save(folder / kind / part / f"{i}.png")
    shutil.make_archive(str(folder / "images"), "zip", folder / "photos")
    rows = [f"photos/{k}/{i}.png,{k},camera{i % 7}\n" for k in ("cats", "dogs") for i in range(20)]
    (folder / "listed.csv").write_text("path,label,place\n" + "".join(rows))
    page = (ROOT / "CONTRIBUTING.md").read_text()
    trick = next(code for _, code in FENCES.findall(page) if "sign-gradient" in code)
    (folder / "my_trick.py").write_text(trick.replace('"sign-gradient"', '"my-trick"'))
    (folder / "train.py").write_text(SCRIPT)
    (folder / "docs").symlink_to(ROOT / "docs")
    shutil.copytree(ROOT / "results" / "reference", folder / "results" / "reference")
    for at, study in (("results", "digits-add-one"), ("other/results", "digits-decay")):
        said, code = called(["merge", f"results/reference/{study}", "--results", at])
        assert code == 0, said
    if mine:
        store = Store("results")
        held = load_study(store)
        save_study(store, "mine", structs.replace(held.asked, name="mine"), held.runs)
    assert called(["export", "digits-add-one", "-o", "table.csv"])[1] == 0


def called(words: list[str]) -> tuple[str, int]:
    """Output and exit code of `tricks-bench` with these words."""
    from runner.cli import call

    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        code = call(words)
    return said.getvalue(), code


def carried_out(page: str, words: list[str]) -> Done:
    """One command, made small."""
    command = shlex.join(words)
    reason = next((why for part, why in ELSEWHERE.items() if part in command), "")
    if reason or "…" in command:
        return Done(page, command, "not here", reason or "a part of it is left out")
    more: tuple[str, ...] = SMALL.get(command, ())
    if words[0] in DRY and not more and "--dry-run" not in words and "--script" not in words:
        more = ("--dry-run",)
    if "--study" not in words and "--confirm" not in words and more and more[-1] in KEEP_NOTHING:
        more += ("--results", "fresh")  # else a study of that name might be another one
    said, code = called([word.replace("NAME", "digits-add-one") for word in (*words, *more)])
    last = (said.strip().splitlines() or [""])[-1]
    state = "failed" if code else "dry run" if "--dry-run" in (*words, *more) else "done"
    return Done(page, command, state, last if code else "")


def of_page(page: Path) -> list[str]:
    """Its commands, each once; those that others build on come first."""
    found = dict.fromkeys(shlex.join(words) for words in command_lines(page.read_text()))
    return sorted(found, key=lambda command: command not in SMALL)


def main(names: list[str]) -> int:
    """Carry out all commands of these pages, or of all, and print what became of each."""
    failed, seen = 0, set[str]()
    known = [page.name for page in PAGES]
    if unknown := [name for name in names if name not in known]:
        print(f"there is no page {unknown[0]}; there are {', '.join(known)}", file=sys.stderr)
        return 2
    os.environ["PATH"] = f"{Path(sys.executable).parent}:{os.environ['PATH']}"  # python, in scripts
    for page in PAGES:
        commands = [command for command in of_page(page) if command not in seen]
        if not commands or (names and page.name not in names):
            continue
        seen.update(commands)
        mine = not any("--name mine" in command for command in commands if command in SMALL)
        with tempfile.TemporaryDirectory() as scratch, contextlib.chdir(scratch):
            prepare(Path(scratch), mine)
            for command in commands:
                done = carried_out(page.name, shlex.split(command))
                failed += done.state == "failed"
                print(f"{done.state:9} {done.page:26} {done.command}", flush=True)
                if done.said:
                    print(f"{'':9} {done.said}", flush=True)
    print(f"{failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
