"""Pretrained weights: requested once, with quick errors, by existing names."""

from __future__ import annotations

import socket
import threading
import time

import pytest
from huggingface_hub import constants
from huggingface_hub.utils import close_session

from runner.training import hub
from runner.training.model import build
from runner.training.model_names import closest
from tricks import BadInput, Recipe


@pytest.fixture
def hub_at(monkeypatch, tmp_path):
    """Sets the address of the hub, with an empty cache; what other tests left offline is mended."""
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    close_session()
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    return lambda address: monkeypatch.setattr(constants, "ENDPOINT", address)


@pytest.mark.parametrize("listening", [False, True])
def test_a_hub_that_does_not_answer_is_asked_once(hub_at, monkeypatch, listening):
    """No server at the address, or a server that accepts the connection and never answers."""
    monkeypatch.setattr(hub, "PATIENCE", 0.3)
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        if listening:
            server.listen()
        hub_at(f"http://127.0.0.1:{server.getsockname()[1]}")
        began = time.perf_counter()
        with pytest.raises(BadInput, match="start=FILE"):
            build(Recipe(model="resnet18", start="pretrained"), 3, 3)
    assert time.perf_counter() - began < 10
    assert not constants.HF_HUB_OFFLINE


def test_a_hub_that_answers_is_used(hub_at):
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        address = f"http://127.0.0.1:{server.getsockname()[1]}"

        def answer():
            connection, _ = server.accept()
            connection.recv(1000)
            connection.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
            connection.close()

        threading.Thread(target=answer, daemon=True).start()
        assert hub.reached(address)
    hub_at(address)
    with hub.quick_answer("resnet18"):
        assert constants.HF_HUB_OFFLINE


def test_weights_that_were_fetched_are_taken_without_asking(hub_at, monkeypatch, tmp_path):
    place = tmp_path / "models--timm--resnet18.a1_in1k"
    file = place / "snapshots" / "abc" / "model.safetensors"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"")
    (place / "refs").mkdir()
    (place / "refs" / "main").write_text("abc")
    monkeypatch.setattr(hub, "reached", lambda address: pytest.fail("it was asked for"))
    with hub.quick_answer("resnet18"):
        assert constants.HF_HUB_OFFLINE


def test_the_closest_names_are_of_the_family():
    for asked, meant in (
        ("swin_t", "swin_tiny_patch4_window7_224"), ("resnet5O", "resnet50"),
        ("efficientnetb2", "efficientnet_b2"), ("regnet_y_1_6gf", "regnety_016"),
        ("convnext_t", "convnext_tiny"),
    ):  # fmt: skip
        with pytest.raises(BadInput, match=f"unknown model '{asked}'") as caught:
            build(Recipe(model=asked), 3, 3)
        names = str(caught.value).partition("are ")[2].split(", ")
        assert names[0] == meant
        assert len(names) == 5
    assert len(closest("nothing-like-it", map(str, range(100)))) == 5


def test_weights_by_name():
    with pytest.raises(BadInput, match=r"unknown weights 'tv9' of resnet50: .*tv_in1k"):
        build(Recipe(model="resnet50.tv9", start="pretrained"), 3, 3)
    with pytest.raises(BadInput, match="resnetblur18 has no pretrained weights"):
        build(Recipe(model="resnetblur18", start="pretrained"), 3, 3)
