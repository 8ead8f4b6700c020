"""The user's mistakes: one clear line, exit 2, nothing written."""

import pytest

PLUGIN = '''
from dataclasses import dataclass
from typing import ClassVar
from tricks.trick import Edits, Trick

@dataclass(frozen=True)
class Slow(Trick):
    """Train twice as long."""
    name: ClassVar[str] = "slow-for-a-test"
    source: ClassVar[str] = "nobody"
    def edits(self):
        return Edits(sets={"epochs": 20})
'''
MISTAKES = [
    ("run --tricks mixpu", "unknown trick 'mixpu': did you mean mixup"),
    ("run --task digit", "unknown task 'digit': did you mean digits?"),
    ("run --grid ful", "unknown grid 'ful': did you mean full?"),
    ("run --grid screen --reference optimizer=sgd", "choose from adamw, lars"),
    ("run --set epoch=5", "--set epoch: unknown recipe field 'epoch': did you mean epochs?"),
    ("run --set train_image=5", "did you mean train_images?"),
    ("run --set epochs=many", "--set epochs must be a whole number, not 'many'"),
    ("run --set epochs=0", "--set epochs: epochs must be at least 1, not 0"),
    ("run --set epochs=1.5", "--set epochs must be a whole number"),
    ("run --set lr_scale=nan", "--set lr_scale must be a finite number"),
    ("run --set crop=round", "--set crop: crop must be one of none, pad"),
    ("run --set flip=perhaps", "--set flip must be True or False"),
    ("run --set schedule=mixup", "mixup cannot be the value of schedule"),
    ("run --set optimizer=adamw(lr=-1)", "adamw: lr must be"),
    ("run --set train_images=0", "--set train_images must be at least 1"),
    ("run --set train_images=some", "--set train_images must be a whole number"),
    ("run --set epochs", "write it as --set name=value"),
    ("run --factor lr_scale=0.5", "needs at least two values"),
    ("run --factor lrscale=1,2", "did you mean lr_scale"),
    ("run --factor lr_scale=1,two", "must be a finite number, not 'two'"),
    ("run --factor optimizer=sgd,lars", "optimizer would be varied twice"),
    ("run --tricks mixup(alpha=big)", "cannot read 'mixup(alpha=big)'"),
    ("run --tricks mixup(alpha='big')", "mixup(alpha) must be a finite number"),
    ("run --tricks mixup(alpha=-1)", "mixup: alpha"),
    ("run --tricks mixup(alpah=1)", "unknown parameter of mixup 'alpah': did you mean alpha?"),
    ("run --tricks warmup,warmup", "warmup is named twice"),
    ("run --tricks ,", "names nothing"),
    ("run --tricks none", "there is nothing to vary"),
    ("run --tricks step-decay", "changes nothing"),
    ("run --grid leave-one-out --tricks cosine,step-decay(gamma=0.3)", "both set schedule"),
    ("run --grid fraction --tricks warmup,cosine", "use --grid full"),
    ("run --reference optimizer=lars", "--reference says what"),
    ("run --order warmup", "--order is for --grid cumulative"),
    ("run --grid cumulative --tricks warmup,cosine --order warmup", "cosine is missing"),
    ("run --seeds 0", "--seeds must be at least 1, not 0"),
    ("run --seeds -3", "--seeds must be at least 1, not -3"),
    ("run --seeds three", "invalid value for '--seeds'"),
    ("run --seeds", "'--seeds' requires an argument"),
    ("run --workers 0", "--workers must be at least 1, not 0"),
    ("run --device tpu", "--device tpu: choose auto, cpu, cuda or cuda:0"),
    ("run --device cuda:x", "--device cuda:x: choose auto"),
    ("run --device cpu:0", "--device cpu:0: choose auto"),
    ("run --set optimizer=none", "--set optimizer: a training needs an optimizer"),
    ("run --tricks cosine --factor optimizer=none,sgd", "--factor optimizer: a training needs"),
    (f"run --tricks mixup(alpha=1{'0' * 400})", "mixup(alpha) must be a finite number"),
    ("run --tricks mixup(alpha=0.2)(alpha=0.9)", "cannot read"),
    (f"run --name {'x' * 150} --dry-run", "100 at most"),
    ("run --name a/b", "--name 'a/b'"),
    ("run --seed 3", "no such option --seed of tricks-bench run: did you mean --seeds"),
    ("run --girds full", "did you mean --grid"),
    ("run full", "unexpected extra argument"),
    ("run --plugin nowhere.py", "no such file"),
    ("run --study nowhere.toml", "nowhere.toml: No such file"),
    ("run --study nowhere", "unknown study 'nowhere'"),
    ("run --download", "digits has nothing to download"),
    ("run --task cifar10", "--download"),
    ("run --task folder:nowhere", "nowhere"),
    ("rn", "no such command 'rn': did you mean run"),
    ("list trick", "unknown list 'trick': did you mean tricks?"),
    ("show mixpu", "did you mean mixup"),
    ("show mixup+cosine", 'show "baseline+mixup+cosine"'),
    ("show baseline+cosine+step-decay", "both set schedule"),
    ("show baseline+step-decay", "changes nothing"),
    ("show mixup --task digt", "did you mean digits"),
    ("status", "no store at results: run `tricks-bench run` first"),
    ("report", "no store at results"),
    ("analyze", "no store at results"),
    ("retry", "no store at results"),
    ("export x -o x.csv", "no store at results"),
    ("export x", "missing option"),
    ("export x -o x.parquet", "end the name in .csv"),
    ("export x -o nowhere/x.csv", "there is no folder nowhere"),
    ("analyze nowhere.csv", "there is no such file"),
    ("analyze --negligible -1", "--negligible must be a number of at least 0"),
    ("analyze --factors a", "--factors is for a table"),
]  # fmt: skip


@pytest.mark.parametrize(("line", "said"), MISTAKES, ids=[line for line, _ in MISTAKES])
def test_a_mistake_is_one_line_and_writes_nothing(cli, tmp_path, line, said):
    result = cli(*line.split())
    assert result.code == 2, result
    assert said in result.err
    assert result.err.startswith("tricks-bench: ")
    assert result.err.count("\n") == 1
    assert result.out == ""
    assert not list(tmp_path.iterdir())


STUDIES = [
    ('girds = "full"', "unknown key 'girds': did you mean grid"),
    ("seeds = 'three'", "seeds: expected `int"),
    ("seeds = 0", "mine.toml: seeds must be at least 1, not 0"),
    ("tricks = 'mixup'", "tricks: expected `array"),
    ("tricks = ['mixpu']", "did you mean mixup"),
    ("[set]\nepoch = 3", "did you mean epochs"),
    ("[set]\nepochs = 3.5", "mine.toml: set epochs must be a whole number"),
    ("[factor]\nlr_scale = 3", "expected `array"),
    ("[factor]\nlr_scale = ['a', 'b']", "must be a finite number"),
    ("seeds = ", "not TOML"),
    ("name = '../up'", "mine.toml: name '../up'"),
]


@pytest.mark.parametrize(("text", "said"), STUDIES, ids=[text for text, _ in STUDIES])
def test_a_broken_study_file_is_named_with_its_key(cli, tmp_path, text, said):
    file = tmp_path / "mine.toml"
    file.write_text(text)
    result = cli("run", "--study", "mine.toml", "--dry-run")
    assert result.code == 2
    assert said in result.err
    assert result.err.count("\n") == 1
    if "key" in said or "expected" in said or "TOML" in said:
        assert "mine.toml" in result.err
    assert list(tmp_path.iterdir()) == [file]


CSVS = [
    ("mixup,accuracy\n0,90\n1,nan\n", "line 3, column 'accuracy': 'nan' is no number"),
    ("mixup,accuracy\n0,90\n,91\n", "line 3, column 'mixup'"),
    ("mixup,accuracy\n0,90\n0,91\n", "no column varies"),
    ("mixup,acuracy\n0,90\n1,91\n", "did you mean acuracy"),
    ("", "empty"),
    ("mixup,accuracy\n0,90\n1,-5\n", "line 3, column 'accuracy': -5 is no value in per cent"),
    ('mixup;accuracy\n0;"90,1"\n1;"91,2"\n', "separated by ';'"),
    ("mixup,accuracy\n0,90\n1," + "9" * 400 + "\n", "'999999999999999999999999999999999999999…'"),
    ("größe,accuracy\n0,90\n1,91\n".encode("latin-1"), "its text is not UTF-8"),
    ("mixup,loss\n0,1\n1,2\n", "known: loss, mixup (--metric names it)"),
]


@pytest.mark.parametrize(("text", "said"), CSVS)
def test_a_csv_that_cannot_be_analyzed(cli, tmp_path, text, said):
    data = text if isinstance(text, bytes) else text.encode()
    (tmp_path / "runs.csv").write_bytes(data)
    result = cli("analyze", "runs.csv")
    assert result.code == 2
    assert said in result.err
    assert "runs.csv" in result.err
    assert result.err.count("\n") == 1


def test_a_flag_is_not_blamed_on_the_file(cli, tmp_path):
    (tmp_path / "mine.toml").write_text("seeds = 2")
    result = cli("run", "--study", "mine.toml", "--seeds", "0")
    assert result.err == "tricks-bench: --seeds must be at least 1, not 0\n"


def test_a_broken_plugin_is_named(cli, tmp_path):
    (tmp_path / "mine.py").write_text("import nothing_of_that_name\n")
    result = cli("list", "tricks", "--plugin", "mine.py")
    assert result.code == 2
    assert "--plugin mine.py: ModuleNotFoundError" in result.err


def test_a_plugin_is_known_to_every_command(cli, tmp_path):
    from tricks import trick

    (tmp_path / "mine.py").write_text(PLUGIN)
    try:
        for line in ("list tricks", "show slow-for-a-test", "doctor"):
            result = cli(*line.split(), "--plugin", "mine.py")
            assert result.code == 0
            assert "slow-for-a-test" in result.out
        tricks = ("run", "--dry-run", "--tricks", "slow-for-a-test", "--plugin", "mine.py")
        assert "2 arms" in cli(*tricks).out
    finally:
        trick.REGISTERED.pop("slow-for-a-test", None)


def test_other_settings_under_the_same_name_are_refused(cli, stub):
    line = ("run", "--tricks", "warmup,cosine", "--seeds", "1")
    assert cli(*line).code == 0
    for more, said in [
        (("--set", "epochs=3"), "has --set none, not epochs=3"),
        (("--grid", "full", "--name", "digits-add-one"), "has --grid add-one, not full"),
    ]:
        result = cli(*line, *more)
        assert result.code == 2
        assert said in result.err
        assert "--name" in result.err
    result = cli("run", "--tricks", "warmup")
    assert result.code == 2
    assert "also has cosine" in result.err
    assert cli("status", "--json").json["planned"] == 3


def test_an_option_is_not_given_twice(cli):
    result = cli("run", "--set", "epochs=1", "--set", "epochs=2", "--dry-run")
    assert result.code == 2
    assert "--set names epochs twice: 1 and 2" in result.err


@pytest.mark.parametrize("depth", [500, 3_000, 100_000])
def test_what_is_nested_thousands_deep_is_told_in_one_line(cli, tmp_path, depth):
    deep = "[" * depth + "]" * depth
    (tmp_path / "s.toml").write_text(f"seeds = 1\ntricks = {deep}\n")
    (tmp_path / "t.toml").write_text(f"[{'.'.join(['set'] * min(depth, 3_000))}]\nx = 1\n")
    (tmp_path / "t.json").write_text(f'[{{"mixup": 1, "accuracy": {deep}}}]')
    (tmp_path / "lines.jsonl").write_text(f'{{"mixup": 1}}\n{{"accuracy": {deep}}}\n')
    objects = '{"a":' * depth + "1" + "}" * depth
    (tmp_path / "objects.json").write_text(f"[{objects}]")
    (tmp_path / "script.json").write_text(objects)
    metric = f"top1={{file='r.json', key={deep}}}"
    script = ("--script", "python x.py --seed {seed} {arguments}", "--level", "a.on=1")
    for line in (
        ("run", "--study", "s.toml", "--dry-run"), ("run", "--study", "t.toml", "--dry-run"),
        ("analyze", "t.json"), ("analyze", "lines.jsonl"), ("analyze", "objects.json"),
        ("run", *script, "--metric", metric, "--dry-run"),
    ):  # fmt: skip
        result = cli(*line)
        assert result.code == 2, line
        assert result.err.count("\n") == 1
        assert len(result.err) < 2_000 or "--metric" in line
