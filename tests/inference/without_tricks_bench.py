"""Trains exported scripts in a process that cannot import tricks-bench; tests run it.

Each argument is a folder with script.py and given.pt; its losses are written to losses.json.
"""

import importlib.util
import json
import sys
from pathlib import Path


class Nothing:
    """An import hook that hides tricks-bench."""

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("tricks", "runner", "tricks_bench", "tests"):
            raise ImportError(f"{name} is not here")


def losses(folder):
    import torch

    spec = importlib.util.spec_from_file_location("script", folder / "script.py")
    script = importlib.util.module_from_spec(spec)
    sys.modules["script"] = script
    spec.loader.exec_module(script)
    torch.set_num_threads(1)
    given = torch.load(folder / "given.pt", weights_only=True)
    torch.manual_seed(0)
    script.DRAWS.manual_seed(0)
    images, labels = given["images"], given["labels"]
    model = script.build_model(given["classes"], images.shape[1])
    if given["weights"]:
        model.load_state_dict(given["weights"])
    if "epochs" in given:
        script.EPOCHS = given["epochs"]

    def batches(epoch):
        for places in given["order"][epoch]:
            yield images[places], labels[places], torch.tensor(places)

    steps, batch = given["steps"], len(given["order"][0][0])
    mean, std, cpu = given["mean"], given["std"], torch.device("cpu")
    network, found = script.fit(model, batches, steps, batch, given["classes"], mean, std, cpu)
    loader = [(images[:8], labels[:8], torch.arange(8))]
    return {"losses": found, "accuracy": script.evaluate(network, loader, mean, std, cpu)}


if __name__ == "__main__":
    sys.meta_path.insert(0, Nothing())
    for argument in sys.argv[1:]:
        folder = Path(argument)
        try:
            said = losses(folder)
        except Exception as error:  # of a script: the test tells which one
            import traceback

            said = {"error": f"{type(error).__name__}: {error}", "trace": traceback.format_exc()}
        (folder / "losses.json").write_text(json.dumps(said))
