from __future__ import annotations

from tests.compatibility import FILE, conflicts, document


def test_the_document_is_true():
    assert FILE.read_text() == document(), "run: python -m tests.compatibility"


def test_conflicts_known_beforehand_are_in_it():
    found = {frozenset(pair): why for pair, why in conflicts().items()}
    assert found[frozenset(("lars", "adamw"))] == "both set `optimizer`"
    assert found[frozenset(("zero-gamma", "pretrained"))] == (
        "zeroing the last norm of each branch destroys pretrained weights"
    )
    assert found[frozenset(("evonorm", "ghost-batch-norm"))] == "both set `norm`"
    for free in (("mixup", "cutmix"), ("mixing-off", "ema"), ("resnet-d", "blur-pool")):
        assert frozenset(free) not in found
