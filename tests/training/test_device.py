"""torch's settings before a training, and the reset after the training before."""

from __future__ import annotations

import os
from dataclasses import replace

import pytest
import torch

from runner.records.spec import RunSpec
from runner.training import device, memory, outcome
from runner.training.warm_up import warm_up
from tests.bag import BASELINE, on_ground, tiny_splits
from tricks import parse, resolve
from tricks.errors import BadInput

CPU = torch.device("cpu")
RATES = {"sgd": 0.02, "lars": 2.0, "adamw": 0.01}
RECIPE = resolve(on_ground(parse("mixup"), parse("dropout")), RATES)
SPEC = RunSpec({}, RECIPE, 3)


@pytest.fixture
def kept():
    """torch's settings, put back after the test."""
    places = (torch.backends.cudnn.conv, torch.backends.cuda.matmul)
    before = [place.fp32_precision for place in places]
    yield
    for place, value in zip(places, before, strict=True):
        place.fp32_precision = value


@pytest.mark.parametrize(("precision", "digits"), [("fp32", "ieee"), ("tf32", "tf32")])
def test_fp32_means_fp32_in_products_and_convolutions(kept, precision, digits):
    torch.backends.cuda.matmul.fp32_precision = "tf32"  # as TORCH_ALLOW_TF32_CUBLAS_OVERRIDE does
    device.single_precision(precision)
    assert torch.backends.cudnn.conv.fp32_precision == digits
    assert torch.backends.cuda.matmul.fp32_precision == digits


def test_tf32_on_a_cpu_is_refused(kept):
    with pytest.raises(BadInput, match="changes nothing on a CPU"):
        device.prepare(replace(BASELINE, precision="tf32"), CPU)


def test_a_gpu_without_kernels_is_the_users_to_mend(monkeypatch):
    def ones(*_, **__):
        raise RuntimeError("CUDA error: no kernel image is available for execution on the device")

    monkeypatch.setattr(torch, "ones", ones)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _: (3, 5))
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda _: "Tesla K40")
    monkeypatch.setattr(torch.cuda, "get_arch_list", lambda: ["sm_75", "sm_90"])
    with pytest.raises(BadInput, match=r"Tesla K40 \(compute capability 3\.5; it has sm_75, sm_90"):
        device._has_kernels(torch.device("cuda"))


@pytest.mark.skipif(not os.path.exists("/proc/self/clear_refs"), reason="a system that forgets")
def test_the_peak_of_an_earlier_run_is_forgotten():
    large = torch.ones(100 * 2**20 // 4)  # 100 MiB
    before = memory.peak(CPU)["ram"]
    del large
    memory.forget_peak(CPU)
    assert memory.peak(CPU)["ram"] < before - 50


def test_a_warm_up_leaves_no_trace():
    found = [outcome.outcome(SPEC, tiny_splits(), CPU)]
    warm_up(RECIPE, tiny_splits(), 3, CPU)
    found.append(outcome.outcome(SPEC, tiny_splits(), CPU))
    assert len({done.fields["weights_sha256"] for done in found}) == 1


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("NVRM version: NVIDIA UNIX x86_64 Kernel Module  570.86.15  Thu Jan 23\n", "570.86.15"),
        ("NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.65  Release\n", "580.65"),
        ("something else\n", None),
    ],
)
def test_the_driver_is_read_from_its_file(text, version, tmp_path, monkeypatch):
    (tmp_path / "version").write_text(text)
    monkeypatch.setattr(outcome, "DRIVER", tmp_path / "version")
    assert outcome._driver() == version


def test_a_cpu_has_no_versions_of_a_gpu():
    assert outcome.gpu_versions(CPU) == {}
