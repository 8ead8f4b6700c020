"""The image processing of a recipe, as lines of a script."""

from __future__ import annotations

from typing import Any

from runner.inference.recipe.parts import Parts
from tricks.recipe import Recipe

# Policies that torchvision has for one image; the bag has the same policies for a batch.
OF_TORCHVISION = {
    "randaugment": "v2.RandAugment(num_ops={0.num_ops}, magnitude={0.magnitude})",
    "trivial-augment": "v2.TrivialAugmentWide()",
    "auto-augment": "v2.AutoAugment(v2.AutoAugmentPolicy({0.policy!r}))",
}


def views(recipe: Recipe, stored: bool) -> tuple[str, str]:
    """Expressions for one image (C, H, W) at `side`, in training and in evaluation.

    stored: whether the recipe's images are small and of one size, instead of cropped from files.
    """
    whole = "v2.functional.resize(image, [side, side], antialias=True)"
    size = f"[math.ceil(side / {recipe.margin!r})]"
    scaled = f"v2.functional.resize(image, {size}, antialias=True)"
    centred = f"v2.functional.center_crop({scaled}, [side, side])"
    fits = stored and recipe.crop != "random"
    seen = whole if fits or recipe.crop == "squeeze" else centred
    scale = f"scale=({recipe.crop_scale!r}, 1.0)"
    train = {
        "random": f"v2.RandomCrop([side, side])({scaled})",
        "random-resized": f"v2.RandomResizedCrop([side, side], {scale}, antialias=True)(image)",
    }.get(recipe.crop, seen)
    return train, seen


def drawn(recipe: Recipe, parts: Parts) -> None:
    """Flips, crops of batches and transforms, on uint8 images (B, C, H, W)."""
    lines = parts.drawn
    if recipe.flip and recipe.alternate_flips:
        lines += [
            "first = torch.rand(int(places.max()) + 1, generator=torch.Generator().manual_seed(0))",
            "flipped = (first[places] < 0.5) ^ bool(epoch % 2)",
        ]
    elif recipe.flip:
        lines.append(f"flipped = torch.rand(len(images), generator=DRAWS) < {recipe.flip_share!r}")
    if recipe.crop == "pad":
        lines += [
            "pad, (height, width) = max(1, images.shape[-1] // 8), images.shape[-2:]",
            "padded = F.pad(images, (pad, pad, pad, pad))",
            "corners = torch.randint(2 * pad + 1, (len(images), 2), generator=DRAWS).tolist()",
            "images = torch.stack([",
            "    one[:, y : y + height, x : x + width]",
            "    for one, (y, x) in zip(padded, corners, strict=True)",
            "])",
        ]
    if recipe.flip:
        lines.append("images[flipped] = images[flipped].flip(-1)")
    for item in recipe.transforms:
        if getattr(item, "before_crop", False):
            parts.refused[str(item)] = "it rotates images before they are cropped"
        elif item.name in OF_TORCHVISION:
            held = parts.constant(item.name, OF_TORCHVISION[item.name].format(item))
            lines.append(f"images = torch.stack([{held}(one) for one in images])")
        else:
            lines.append(f"images = {parts.hold(item)}.apply(images, DRAWS)")
    parts.inputs += [f"images = {parts.hold(item)}.prepared(images)" for item in recipe.inputs]


def mixed(recipe: Recipe, parts: Parts) -> None:
    """Targets (B, K), sizes and mixing of float images (B, C, H, W)."""
    lines = parts.mixed
    if recipe.smoothing:
        smooth = parts.lifting.function("tricks.target.label_smoothing", "smooth")
        lines.append(f"y = {smooth}(y, {recipe.smoothing!r})")
    if recipe.resizing is not None:
        sides = parts.hold(recipe.resizing)
        lines += [
            f"pixels = {sides}.pixels(x.shape[-1], progress)",
            "if pixels != x.shape[-1]:",
            '    x = F.interpolate(x, (pixels, pixels), mode="bilinear", antialias=True)',
        ]
    if not recipe.mixers:
        return
    held = [str(parts.hold(item)) for item in recipe.mixers]
    mix = [f"x, y = {held[0]}.mix(x, y, DRAWS)"]
    if len(held) > 1:
        choice = f"({', '.join(held)})[int(torch.randint({len(held)}, (), generator=DRAWS))]"
        mix = [f"mixer = {choice}", "x, y = mixer.mix(x, y, DRAWS)"]
    if recipe.mix_share < 1:
        from tricks.mix.mixing_off import first_plain

        last = first_plain(recipe.mix_share, recipe.epochs)
        mix = [f"if epoch < {last}:", *(f"    {line}" for line in mix)]
    lines += mix


def statistics(recipe: Recipe, stored: bool, parts: Parts) -> list[str]:
    """Lines that set `mean` and `std`, one value per channel, of pixels from 0 to 1."""
    own: Any = recipe.normalisation
    if own is not None:
        held = parts.hold(own)
        return [f"mean, std = {held}.of(channels)"]
    if not stored:
        return ["mean, std = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # ImageNet's"]
    return [
        "levels = torch.stack([image for image, _, _ in Images(train, side, channels, False)])",
        "levels = levels.float() / 255",
        "mean, std = levels.mean((0, 2, 3)).tolist(), levels.std((0, 2, 3)).tolist()",
    ]
