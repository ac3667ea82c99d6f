"""`unstuck evaluate`, `predict`, `datasets`, help: using what was trained."""

import csv
import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

import unstuck as us
from unstuck.cli.app import run
from unstuck.cli.pictures import cropped, picture, side_by_side


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "iris.safetensors"
    assert run(["train", "iris", "--epochs", "20", "--json", "--out", str(path)]) == 0
    return path


def test_evaluate_prints_the_figures_of_the_model(capsys, model):
    assert run(["evaluate", str(model), "iris", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    network = us.load(model)
    data = us.datasets.load("iris", test_fraction=0).train
    assert found["rows"] == 150
    assert found["accuracy"] == pytest.approx(us.evaluate(network, data)["accuracy"])
    assert run(["evaluate", str(model), "iris"]) == 0
    assert "confusion on the iris data" in capsys.readouterr().out


def test_predict_gives_one_line_a_row_with_the_class_and_its_probability(capsys, model):
    assert run(["predict", str(model), "iris"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    network = us.load(model)
    data = us.datasets.load("iris", test_fraction=0).train
    assert len(rows) == 150
    assert {r["class"] for r in rows} <= set(data.class_names)
    assert all(1 / 3 <= float(r["probability"]) <= 1 for r in rows)
    assert [r["class"] for r in rows[:5]] == [data.class_names[k] for k in network.predict(data.inputs[:5])]


def test_predict_reads_a_table_without_the_target_column(capsys, model, tmp_path):
    data = us.datasets.load("iris", test_fraction=0).train
    table = tmp_path / "flowers.csv"
    lines = [",".join(data.feature_names), *(",".join(map(str, row)) for row in data.inputs[:7])]
    table.write_text("\n".join(lines))
    assert run(["predict", str(model), str(table), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    expected = [data.class_names[k] for k in us.load(model).predict(data.inputs[:7])]
    assert found["predictions"] == expected


def test_predict_writes_a_file_whole(capsys, model, tmp_path):
    out = tmp_path / "answers.csv"
    assert run(["predict", str(model), "iris", "--out", str(out)]) == 0
    assert capsys.readouterr().out == ""
    assert len(out.read_text().splitlines()) == 151


def test_a_file_that_is_no_model_is_refused_in_one_sentence(capsys, tmp_path):
    for name, content in (("empty", b""), ("text", b"hello world, this is no model")):
        (tmp_path / name).write_bytes(content)
        assert run(["evaluate", str(tmp_path / name), "iris"]) == 2
        assert "expected a model saved by unstuck" in " ".join(capsys.readouterr().err.split())
    assert run(["evaluate", str(tmp_path / "missing"), "iris"]) == 2
    assert "there is no such file" in " ".join(capsys.readouterr().err.split())


def test_datasets_lists_every_name(capsys):
    assert run(["datasets"]) == 0
    out = capsys.readouterr().out
    assert all(name in out for name in us.datasets.names())
    assert run(["datasets", "--json"]) == 0
    assert set(json.loads(capsys.readouterr().out)) == set(us.datasets.names())


def test_help_loads_nothing_heavy():
    code = (
        "import sys\nfrom unstuck.cli.app import run\nrun(['--help'])\n"
        "heavy = {'numpy', 'sklearn', 'scipy', 'safetensors', 'PIL'} & set(sys.modules)\nsys.exit(str(heavy) if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for command in ("train", "evaluate", "predict", "datasets"):
        assert command in done.stdout


def test_version_is_printed(capsys):
    run(["--version"])
    assert us.__version__ in capsys.readouterr().out


def test_a_closed_pipe_is_no_error():
    command = f"{sys.executable} -c 'from unstuck.cli import main; main()' datasets | head -n 1"
    done = subprocess.run(["bash", "-c", f"set -o pipefail; {command}"], capture_output=True, text=True)
    assert "Traceback" not in done.stderr and "BrokenPipe" not in done.stderr


def test_pictures_use_two_pixels_a_character_and_crop_the_empty_border():
    import numpy as np

    image = np.zeros((8, 8))
    image[2:6, 3:5] = 1
    assert picture(image) == ["        ", "   ██   ", "   ██   ", "        "]
    assert cropped(image[None]).shape == (1, 4, 2)
    assert side_by_side(np.stack([image, image]), ["a", "b"], 80) == ["██   ██", "██   ██", "a    b"]
    assert side_by_side(np.stack([image, image]), ["a", "b"], 4) == ["██", "██", "a"]
    assert set("".join(picture(image, blocks=False))) <= set(" .:-=+*#%@")


def test_the_model_file_is_found_from_another_folder(capsys, model, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run(["evaluate", str(Path(model)), "iris", "--json"]) == 0
    capsys.readouterr()
