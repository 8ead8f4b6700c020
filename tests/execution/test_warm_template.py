"""The data that processes share are made once, in their template."""

import json

from runner.execution.engines import warm_template
from runner.records.spec import RunSpec
from runner.tasks import recipe_run as work
from runner.tasks.recipe_run import RecipeRun
from runner.tasks.registry import find
from tricks import resolve


def test_a_run_finds_the_images_that_the_template_loaded(tmp_path):
    digits = find("digits")
    data = str(tmp_path)
    recipe = resolve(digits.baseline, digits.learning_rates)
    spec = RunSpec(digits.identity(tmp_path, 100), recipe, seed=0)
    runs = RecipeRun("digits", data).sharing(spec)
    name, arguments = json.loads(json.dumps(runs.preload()[-1]))
    work._splits.cache_clear()
    warm_template.call(name, arguments)
    assert work._splits.cache_info().misses == 1
    assert len(runs.images(spec).train) == 100
    assert work._splits.cache_info().misses == 1


def test_what_cannot_be_made_once_is_left_to_the_runs():
    warm_template.call("runner.tasks.recipe_run:hold", ["no-such-task", None, None, []])
    warm_template.call("runner.no_such_module:hold", [])
