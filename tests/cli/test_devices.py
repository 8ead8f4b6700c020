"""Which device runs use, found without torch."""

from __future__ import annotations

import pytest

from runner.execution import machine as known
from runner.execution.device_summary import choices
from runner.execution.machine import at_a_time
from tricks.errors import BadInput


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A function that simulates a machine by device files and CUDA_VISIBLE_DEVICES."""

    def make(names=(), visible=None, kfd=()):
        for name in names:
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).touch()
        for number, id in enumerate(kfd):
            (tmp_path / "nodes" / str(number)).mkdir(parents=True)
            (tmp_path / "nodes" / str(number) / "gpu_id").write_text(f"{id}\n")
        monkeypatch.setattr(known, "DEVICES", tmp_path)
        monkeypatch.setattr(known, "KFD", tmp_path / "nodes")
        monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
        if visible is not None:
            monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)

    return make


TWO = ["nvidia0", "nvidia1", "nvidiactl"]


@pytest.mark.parametrize(
    ("device", "names", "visible", "expected"),
    [
        ("auto", ["nvidia0"], None, ["0"]),
        # A container that is given the fourth GPU of its host: CUDA calls it 0.
        ("auto", ["nvidia3", "nvidiactl"], None, ["0"]),
        ("auto", ["nvidia10", "nvidia9", "nvidiactl"], None, ["0", "1"]),
        ("auto", ["nvidia0", "nvidia-caps"], "MIG-a,MIG-b", ["MIG-a", "MIG-b"]),
        ("auto", TWO, "1,7,0", ["1"]),
        ("auto", TWO, "0,-1,1", ["0"]),
        ("auto", TWO, "7", []),
        ("auto", ["nvhost-gpu"], None, ["0"]),
        ("auto", ["kfd", "dri/renderD128", "dri/renderD129"], None, ["0", "1"]),
        ("auto", TWO, "1,0", ["1", "0"]),
        ("auto", TWO, "GPU-8f3a, MIG-1", ["GPU-8f3a", "MIG-1"]),
        ("auto", ["dxg"], None, ["0"]),
        ("auto", ["nvidiactl", "nvidia-uvm"], None, []),
        ("auto", [], "0", []),
        ("auto", ["nvidia0"], "", []),
        ("auto", ["nvidia0"], "-1", []),
        ("cpu", ["nvidia0"], None, []),
        ("cuda", TWO, None, ["0", "1"]),
        ("cuda:1", TWO, None, ["1"]),
        ("cuda:1", TWO, "1,0", ["0"]),
        ("cuda:1", [], None, ["1"]),
        ("cuda", [], None, ["0"]),
    ],
)
def test_gpus_are_seen_without_torch(machine, device, names, visible, expected):
    machine(names, visible)
    assert known.gpus(device) == tuple(expected)
    assert known.on_gpu(device) is bool(expected)


def test_gpus_of_amd_are_those_of_its_driver(machine):
    machine(["kfd", "dri/renderD128", "dri/renderD129"], kfd=(0, 51234))
    assert known.gpus("auto") == ("0",)


@pytest.mark.parametrize(
    ("visible", "says"), [(None, "GPUs here are 0, 1"), ("1", "=1"), ("", "no GPU here")]
)
def test_a_gpu_that_is_not_there_is_not_taken_for_another(machine, visible, says):
    machine(TWO, visible)
    with pytest.raises(BadInput, match=f"--device cuda:2: .*{says}"):
        known.gpus("cuda:2")


def test_as_many_runs_at_a_time_as_are_asked_for(machine):
    machine(TWO)
    assert at_a_time(None, None, "auto") == 2
    assert at_a_time(None, 3, "auto") == 6
    assert at_a_time(None, 3, "cuda:1") == 3
    assert at_a_time(5, None, "auto") == 5
    assert at_a_time(None, None, "cpu") == known.cores()


@pytest.mark.parametrize(
    ("workers", "per_gpu", "device", "says"),
    [
        (0, None, "cpu", "--workers must be at least 1"),
        (None, 0, "auto", "--per-gpu must be at least 1"),
        (2, 2, "auto", "give one"),
        (None, 2, "cpu", "no GPU here"),
        (None, None, "gpu", "choose auto, cpu, cuda"),
    ],
)
def test_what_cannot_be_is_said(machine, workers, per_gpu, device, says):
    machine(TWO)
    with pytest.raises(BadInput, match=says):
        at_a_time(workers, per_gpu, device)


def test_what_was_chosen_is_said(machine, cli):
    machine()
    found = cli("doctor", "--json").json["chosen"]
    assert f"{known.cores()} at a time" in found["runs"]
    assert "the same for any number of workers" in found["bits"]
    machine(TWO)
    found = choices()
    assert "each of 2 GPUs (0, 1)" in found["runs"]
    assert "on the GPU" in found["augmentation"]
    assert "differ in their last digits" in found["bits"]


@pytest.mark.parametrize(
    ("flags", "says"),
    [("fpu avx512_bf16 amx_bf16", "has amx_bf16"), ("fpu avx2", "is not faster"), (None, "or may")],
)
def test_units_for_bf16_are_looked_for(tmp_path, monkeypatch, flags, says):
    file = tmp_path / "cpuinfo"
    if flags is not None:
        file.write_text(f"flags\t: {flags}\n")
    monkeypatch.setattr("runner.execution.device_summary.CPU_INFO", file)
    assert says in choices("cpu")["kernels"]
