"""A recipe as arguments of timm's train.py (timm 1.0), and features without an argument."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from runner.inference.recipe.subject import Subject
from tricks.errors import BadInput
from tricks.mix.mixing_off import first_plain
from tricks.recipe import FIELDS, OWN_MODELS, Recipe

IMAGENET = {"mean": (0.485, 0.456, 0.406), "std": (0.229, 0.224, 0.225)}


@dataclass
class Arguments:
    """said: words of the command line. cannot: feature -> why. differs: feature -> how."""

    said: list[str] = field(default_factory=list)
    cannot: dict[str, str] = field(default_factory=dict)
    differs: dict[str, str] = field(default_factory=dict)
    fields: set[str] = field(default_factory=set)

    def say(self, fields: str, *words: str | float) -> None:
        """Add words, and note the fields of the recipe (separated by spaces) that they set."""
        self.fields |= set(fields.split())
        self.said += [f"{word:.12g}" if isinstance(word, float) else word for word in words]

    def refuse(self, fields: str, feature: str, why: str) -> None:
        """Note a feature that train.py has no argument for."""
        self.fields |= set(fields.split())
        self.cannot[feature] = why


def timm_arguments(subject: Subject) -> Arguments:
    """The arguments. Raises BadInput for a network that timm does not have."""
    recipe = subject.recipe
    if recipe.model in OWN_MODELS:
        raise BadInput(
            f"timm has no {recipe.model}: give a model of timm (--set model=resnet18), or export "
            "--as pytorch, which holds the network"
        )
    if recipe.optimizer is None:
        raise BadInput("this recipe has no optimizer: set one, such as optimizer=sgd")
    found = Arguments()
    for part in (_network, _optimizer, _schedule, _images, _transforms, _targets, _compute):
        part(recipe, found)
    if subject.stored:
        found.differs["normalisation"] = "by the training images' own mean and deviation: --mean"
    default = Recipe()
    for name in FIELDS:
        if name not in found.fields and getattr(recipe, name) != getattr(default, name):
            value = getattr(recipe, name)
            for item in value if isinstance(value, tuple) else (value,):
                found.cannot[str(item) if value is not True else name] = "no argument"
    return found


def _network(recipe: Recipe, found: Arguments) -> None:
    named = ("--model", recipe.model, "--num-classes", "CLASSES")
    found.say("model width evaluate_every threads stream", *named)
    start: Any = recipe.start
    if start == "pretrained":
        found.say("start", "--pretrained")
    elif start != "scratch":
        found.refuse("start", str(start), "give --initial-checkpoint FILE")
    gamma = [item for item in recipe.init if item.name == "zero-gamma"]
    if recipe.model.startswith(("resnet", "resnext", "seresnet", "wide_resnet")):
        # timm's ResNets start with zero-gamma by default.
        said = () if gamma else ("--model-kwargs", "zero_init_last=False")
        found.say("init" if len(gamma) == len(recipe.init) else "", *said)
    for item in recipe.surgery:
        if item.name == "drop-path":
            found.say("", "--drop-path", float(item.rate))  # type: ignore[attr-defined]
        elif item.name == "dropout":
            found.say("", "--drop", float(item.rate))  # type: ignore[attr-defined]
        else:
            found.refuse("", str(item), "no argument")
    found.fields.add("surgery")


def _optimizer(recipe: Recipe, found: Arguments) -> None:
    optimizer: Any = recipe.optimizer
    found.fields |= {"optimizer", "lr_scale", "decay", "groups"}
    scale = recipe.batch_size / recipe.lr_batch if recipe.lr_batch else 1.0
    found.say("lr_batch batch_size epochs", "--batch-size", str(recipe.batch_size),
              "--epochs", str(recipe.epochs), "--lr", float(optimizer.lr * scale))  # fmt: skip
    name = {"sgd": "sgd" if getattr(optimizer, "nesterov", True) else "momentum"}.get(
        optimizer.name, optimizer.name
    )
    if name not in ("sgd", "momentum", "adamw", "adam", "lamb", "lars", "lion", "nadam", "radam",
                    "nadamw", "adopt"):  # fmt: skip
        found.refuse("", str(optimizer), "no optimizer of this kind")
        return
    found.say("", "--opt", name)
    if hasattr(optimizer, "momentum"):
        found.say("", "--momentum", float(optimizer.momentum))
    if hasattr(optimizer, "betas"):
        found.say("", "--opt-betas", *map(float, optimizer.betas), "--opt-eps",
                  float(getattr(optimizer, "eps", 1e-8)))  # fmt: skip
    found.say("", "--weight-decay", float(getattr(optimizer, "decay", 0.0)))
    if name == "lars":
        found.say("", "--opt-kwargs", f"trust_coeff={optimizer.trust!r}")
        found.differs["lars"] = "timm's velocity does not hold the learning rate"
    elif recipe.groups is None and getattr(optimizer, "decay", 0) != 0 and name != "lamb":
        found.differs["weight decay"] = (
            "timm does not apply it to biases and norms, the recipe does"
        )
    clip: Any = recipe.clip
    if clip is not None and clip.name == "clip-norm":
        found.say("clip", "--clip-grad", float(clip.max_norm), "--clip-mode", "norm")
    if recipe.parts > 1:
        if recipe.batch_size % recipe.parts:
            found.refuse("parts", f"parts={recipe.parts}", "the batch size is not a multiple")
        else:
            place = found.said.index("--batch-size") + 1
            found.said[place] = str(recipe.batch_size // recipe.parts)
            found.say("parts", "--grad-accum-steps", str(recipe.parts))


def _schedule(recipe: Recipe, found: Arguments) -> None:
    schedule: Any = recipe.schedule
    warmup: Any = recipe.warmup
    optimizer: Any = recipe.optimizer
    name = None if schedule is None else schedule.name
    if name == "cosine":
        least = float(optimizer.lr * schedule.floor)
        found.say("schedule", "--sched", "cosine", "--min-lr", least, "--sched-on-updates")
    elif name == "step-decay":
        stones = [str(round(m * recipe.epochs)) for m in schedule.milestones]
        found.say("schedule", "--sched", "multistep", "--decay-milestones", *stones,
                  "--decay-rate", float(schedule.gamma))  # fmt: skip
    elif name in ("polynomial", "linear"):
        power = float(getattr(schedule, "power", 1.0))
        found.say("schedule", "--sched", "poly", "--decay-rate", power, "--min-lr", "0",
                  "--sched-on-updates")  # fmt: skip
    elif schedule is None:
        found.say("schedule", "--sched", "none")
    else:
        found.refuse("schedule", str(schedule), "no such schedule")
    if warmup is None:
        found.say("warmup", "--warmup-epochs", "0")
    else:
        epochs = warmup.epochs if warmup.epochs is not None else warmup.share * recipe.epochs
        whole = max(1, round(epochs))
        found.say("warmup", "--warmup-epochs", str(whole), "--warmup-lr", "0")
        if whole != epochs or warmup.start:
            found.differs["warmup"] = f"{epochs:g} epochs from a share of {warmup.start:g}"
    found.say("", "--cooldown-epochs", "0")


def _images(recipe: Recipe, found: Arguments) -> None:
    if recipe.resolution:
        found.say("resolution", "--img-size", str(recipe.resolution))
    else:
        found.differs["resolution"] = "as stored; without --img-size timm uses the model's own"
    if recipe.eval_scale == 1:
        found.say("margin eval_scale", "--crop-pct", recipe.margin)
    if recipe.crop == "random-resized":
        found.say("crop crop_scale", "--scale", recipe.crop_scale, "1.0")
    elif recipe.crop == "random":
        found.say("crop", "--train-crop-mode", "rkrc", "--crop-pct", recipe.margin)
    elif recipe.crop == "none":
        found.say("crop", "--train-crop-mode", "rkrr", "--scale", "1.0", "1.0", "--ratio", "1.0",
                  "1.0")  # fmt: skip
        found.differs["crop"] = "timm always crops at random: here from the whole image"
    else:
        found.refuse("crop", f"crop={recipe.crop}", "no such crop")
    if not recipe.alternate_flips:
        found.say("flip flip_share", "--hflip", recipe.flip_share if recipe.flip else 0.0)
    own: Any = recipe.normalisation
    mean, std = (IMAGENET["mean"], IMAGENET["std"]) if own is None else (own.mean, own.std)
    found.say("normalisation", "--mean", *map(float, mean), "--std", *map(float, std))
    found.say("", "--train-interpolation", "bilinear", "--interpolation", "bilinear")
    if recipe.repeats > 1:
        found.say("repeats", "--aug-repeats", str(recipe.repeats))
        found.differs["repeated-augmentation"] = "only in distributed training"


def _transforms(recipe: Recipe, found: Arguments) -> None:
    for item in recipe.transforms:
        trick: Any = item
        if trick.name == "randaugment":
            found.say("", "--aa", f"rand-m{trick.magnitude / 3:.3g}-n{trick.num_ops}")
            found.differs["randaugment"] = "timm has other operations, and a scale of 0 to 10"
        elif trick.name == "auto-augment" and trick.policy == "imagenet":
            found.say("", "--aa", "original")
        elif trick.name == "random-erasing" and trick.fill in ("mean", "noise"):
            mode = "const" if trick.fill == "mean" else "pixel"
            found.say("", "--reprob", trick.p, "--remode", mode)
        else:
            found.refuse("", str(trick), "no argument")
    found.say("transforms", "--color-jitter", 0.0)


def _targets(recipe: Recipe, found: Arguments) -> None:
    found.say("smoothing", "--smoothing", recipe.smoothing)
    for item in recipe.mixers:
        trick: Any = item
        found.say("", f"--{trick.name}", trick.alpha)
    found.say("mixers")
    if recipe.mix_share < 1:
        last = first_plain(recipe.mix_share, recipe.epochs)
        found.say("mix_share", "--mixup-off-epoch", str(last))
    objective: Any = recipe.objective
    if objective is not None and objective.name == "bce":
        found.say("objective", "--bce-loss")
        if objective.over_classes == "sum":
            found.say("", "--bce-sum")
        if objective.threshold:
            found.say("", "--bce-target-thresh", objective.threshold)
    average: Any = recipe.average
    if average is not None and average.name == "ema":
        found.say("average", "--model-ema", "--model-ema-decay", "DECAY")
        found.differs["ema"] = (
            f"DECAY is 1 - 1 / ({average.share:g} × steps); timm averages the statistics of norms"
        )


def _compute(recipe: Recipe, found: Arguments) -> None:
    if recipe.channels_last:
        found.say("channels_last", "--channels-last")
    half = {"bf16": "bfloat16", "fp16": "float16"}.get(recipe.precision)
    if half:
        found.say("precision", "--amp", "--amp-dtype", half)
    elif recipe.precision == "fp32":
        found.say("precision")
    compiled: Any = recipe.compiled
    if compiled is not None:
        found.say("compiled", "--torchcompile", compiled.backend)


def timm_text(found: Arguments) -> str:
    """The command line, with comments about missing and differing features."""
    words, lines = found.said, ["python train.py FOLDER"]
    line: list[str] = []
    for word in words:
        if word.startswith("--") and line and len(" ".join([*line, word])) > 70:
            lines.append("    " + " ".join(line))
            line = []
        line.append(word)
    lines.append("    " + " ".join(line))
    text = (
        " \\\n".join(lines)
        + "\n# CLASSES: their number; without a GPU add --device cpu --no-prefetcher\n"
    )
    for title, held in (("cannot", found.cannot), ("differs:", found.differs)):
        text += "".join(f"# timm {title} {name}: {why}\n" for name, why in held.items())
    return text
