"""A task's test images are the images that the model's training held out, with any shares."""

from PIL import Image

from runner.inference.inference_images import labelled
from runner.inference.trained_on import trained_on
from runner.tasks.folder import folder_task


def test_a_study_with_shares_of_its_own_is_evaluated_on_its_test_images(tmp_path):
    for name, colour in (("cats", 40), ("dogs", 200)):
        (tmp_path / name).mkdir()
        for i in range(20):
            Image.new("RGB", (8, 8), (colour, i, 0)).save(tmp_path / name / f"{i}.png")
    text = f"folder:{tmp_path}"
    trained = folder_task(text, 0.2, 0.4).identity(None)
    own = labelled(text, ["cats", "dogs"], None, trained)
    assert (len(own.labels), sum(own.labels)) == (16, 8)
    assert len(labelled(text, ["cats", "dogs"]).labels) == 6
    assert trained_on(text, trained) is None
    other = {**trained, "split": [0.2, 0.3]}
    assert len(labelled(text, ["cats", "dogs"], None, other).labels) == 12
    fixed = {"task": "digits", "files": "x", "split": [1000, 297]}  # counts, not shares
    assert len(labelled(text, ["cats", "dogs"], None, fixed).labels) == 6
