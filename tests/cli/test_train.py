"""`unstuck train`: what it prints, writes, refuses."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import unstuck as us
from unstuck.cli.app import run


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def answer(capsys, *arguments):
    """Exit code, standard output, standard error of one command."""
    code = run([str(a) for a in arguments])
    out, err = capsys.readouterr()
    return code, out, err


def test_train_saves_a_model_and_says_where_and_what_next(capsys):
    code, out, err = answer(capsys, "train", "iris", "--epochs", 3)
    assert code == 0
    assert Path("iris.safetensors").is_file()
    assert "model saved: iris.safetensors" in err
    assert "next: unstuck evaluate iris.safetensors iris" in err
    assert "confusion on the test data" in out
    assert "3 epochs" in out and "dense1" in out


def test_train_json_is_one_object_with_the_promised_keys(capsys):
    code, out, err = answer(capsys, "train", "iris", "--epochs", 2, "--json", "--seed", 5)
    assert code == 0 and err == ""
    found = json.loads(out)
    assert list(found)[:9] == [
        "dataset", "network", "parameters", "engine", "epochs", "seed", "seconds", "seconds_per_epoch",
        "seconds_to_first_step",
    ]  # fmt: skip
    assert found["dataset"] == "iris" and found["epochs"] == 2 and found["seed"] == 5
    assert {"loss", "accuracy"} <= set(found["train"]) and {"loss", "accuracy"} <= set(found["test"])
    assert Path(found["model"]).is_file()


def test_the_main_job_is_the_network_of_the_series_without_any_setting(capsys):
    code, out, _ = answer(capsys, "train", "mnist", "--epochs", 1, "--json")
    found = json.loads(out)
    assert code == 0
    assert found["network"] == "784-16-16-10 sigmoid" and found["parameters"] == 13_002
    assert found["test"]["accuracy"] > 0.85


def test_the_report_shows_the_most_doubtful_images(capsys):
    code, out, _ = answer(capsys, "train", "digits", "--epochs", 2)
    assert code == 0
    picture = out.split("the most doubtful images")[1]
    assert "█" in picture and "? is " in picture


def test_a_second_training_does_not_overwrite_the_first_model(capsys):
    answer(capsys, "train", "iris", "--epochs", 1)
    first = Path("iris.safetensors").read_bytes()
    _, _, err = answer(capsys, "train", "iris", "--epochs", 1, "--seed", 1)
    assert Path("iris.safetensors").read_bytes() == first
    assert "model saved: iris-2.safetensors" in err


def test_same_seed_same_model(capsys):
    for out in ("a.safetensors", "b.safetensors", "c.safetensors"):
        answer(capsys, "train", "xor", "--epochs", 2, "--out", out, "--seed", 3 if out != "c.safetensors" else 4)
    a, b, c = (us.load(f"{n}.safetensors").parameters for n in "abc")
    assert all((a[k] == b[k]).all() for k in a)
    assert any((a[k] != c[k]).any() for k in a)


def test_every_setting_reaches_the_training(capsys):
    code, out, err = answer(
        capsys, "train", "digits", "--network", "64-20-10", "--activation", "tanh", "--loss", "cross_entropy", "--optimizer",
        "nesterov", "--learning-rate", 0.05, "--momentum", 0.8, "--batch-size", 50, "--epochs", 2, "--dropout", 0.1, "--l2",
        "1e-4", "--clip-norm", 1, "--validation", 0.1, "--early-stopping", 2, "--out", "m.safetensors",
    )  # fmt: skip
    assert code == 0
    assert "nesterov" in err.lower() and "batches of 50" in err and "validation accuracy" in err
    network = us.load("m.safetensors")
    assert [layer.kind for layer in network.layers] == ["Dense", "Tanh", "Dropout", "Dense"]
    assert "validation" in out


def test_all_rows_at_once_with_batch_size_0(capsys):
    code, _, err = answer(capsys, "train", "iris", "--batch-size", 0, "--epochs", 2)
    assert code == 0 and "all rows" in err


def test_a_network_can_stand_in_a_toml_file(capsys):
    Path("net.toml").write_text(
        '[[layers]]\nlayer = "Dense"\nunits = 8\n[[layers]]\nlayer = "ReLU"\n[[layers]]\nlayer = "Dense"\nunits = 3\n'
        '[training]\noptimizer = "sgd"\nlearning_rate = 0.5\nepochs = 2\n'
    )
    code, out, err = answer(capsys, "train", "iris", "--network", "net.toml")
    assert code == 0
    assert "SGD 0.5" in err and "2 epochs" in out


def test_settings_can_stand_in_pyproject_and_in_the_environment(capsys, monkeypatch):
    Path("pyproject.toml").write_text("[tool.unstuck.train]\nepochs = 3\n")
    _, out, _ = answer(capsys, "train", "iris", "--json")
    assert json.loads(out)["epochs"] == 3
    monkeypatch.setenv("UNSTUCK_TRAIN_EPOCHS", "2")
    _, out, _ = answer(capsys, "train", "iris", "--json")
    assert json.loads(out)["epochs"] == 2


def test_a_table_with_numbers_to_predict_learns_and_predicts_in_its_own_units(capsys):
    rng = np.random.default_rng(0)
    x = rng.uniform(-1, 1, (300, 2))
    y = 1000 + 50 * x[:, 0] - 20 * x[:, 1]
    Path("t.csv").write_text("a,b,price\n" + "\n".join(f"{a},{b},{c}" for (a, b), c in zip(x, y, strict=True)))
    code, out, _ = answer(capsys, "train", "t.csv", "--target", "price", "--json")
    assert code == 0
    assert json.loads(out)["test"]["r2"] > 0.98
    code, out, _ = answer(capsys, "predict", "t.safetensors", "t.csv")
    lines = out.splitlines()
    assert lines[0] == "row,prediction" and len(lines) == 301
    assert abs(float(lines[1].split(",")[1]) - y[0]) < 15


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["train", "mnits"], "unknown data set 'mnits'; did you mean 'mnist'?"),
        (
            ["train", "iris", "--network", "5-3-3"],
            "network 5-3-3 takes 5 inputs, the data have 4; try --network 4-3-3.",
        ),
        (["train", "iris", "--network", "4-3-2"], "has 3 classes, but the network has 2 outputs"),
        (["train", "iris", "--network", "4-x-3"], "network '4-x-3' is not understood"),
        (["train", "iris", "--network", "net.toml"], "is not known, and there is no such TOML file of layers"),
        (["train", "iris", "--activation", "relux"], "unknown activation 'relux'; did you mean 'relu'?"),
        (["train", "iris", "--loss", "cross_entropi"], "unknown loss 'cross_entropi'; did you mean 'cross_entropy'?"),
        (["train", "iris", "--optimizer", "adma"], "unknown optimizer 'adma'; did you mean 'adam'?"),
        (["train", "iris", "--learning-rate", "-1"], "the learning rate is -1.0; expected a positive number"),
        (["train", "iris", "--epochs", "0"], "epochs is 0; expected a whole number of at least 1."),
        (["train", "iris", "--epochs", "many"], 'Invalid value for --epochs: unable to convert "many" into int'),
        (["train", "iris", "--dropout", "1"], "Dropout: rate is 1.0; expected"),
        (["train", "iris", "--out", "nowhere/m.safetensors"], "the folder nowhere does not exist"),
        (["train", "iris", "--momentum", "0.9"], "--momentum 0.9 does not go with adam"),
        (["train", "iris", "--engine", "warp"], "unknown engine 'warp'"),
        (["train", "iris", "--output", "softmax", "--loss", "cross_entropy"], "the network ends in Softmax"),
        (["trian", "iris"], 'Unknown command "trian". Did you mean "train"?'),
        (["train"], "requires an argument"),
    ],
)
def test_a_mistake_gets_one_sentence_exit_code_2_and_nothing_written(capsys, tmp_path, arguments, sentence):
    code, out, err = answer(capsys, *arguments)
    assert code == 2
    assert sentence in " ".join(err.split())
    assert out == ""
    assert "Traceback" not in err
    assert err.rstrip().splitlines()[-1].startswith("error: ")
    assert list(tmp_path.iterdir()) == []


def test_an_error_of_our_own_has_exit_code_3_and_asks_for_a_report(capsys, monkeypatch):
    import unstuck.cli.train

    monkeypatch.setattr(unstuck.cli.train, "load", lambda *a: 1 / 0)
    code, _, err = answer(capsys, "train", "iris")
    assert code == 3
    assert "please report it" in err and "ZeroDivisionError" in err


def test_a_run_that_diverges_ends_with_a_sentence_that_names_the_step(capsys):
    code, _, err = answer(capsys, "train", "diabetes", "--optimizer", "sgd", "--learning-rate", "1e30", "--epochs", 3)
    assert code == 2
    assert "training met a NaN or an infinity at step" in " ".join(err.split())


def test_ctrl_c_keeps_what_was_learnt_and_says_where(in_an_empty_folder):
    # Whoever started the tests may have had Ctrl-C ignored (a background job does); here it is to count.
    code = (
        "import signal; signal.signal(signal.SIGINT, signal.default_int_handler); from unstuck.cli import main; main()"
    )
    command = [sys.executable, "-c", code, "train", "digits", "--epochs", "100000"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    for line in process.stderr:  # wait until an epoch is finished
        if line.startswith("epoch"):
            break
    else:
        pytest.fail("no epoch was reported")
    time.sleep(0.2)
    os.kill(process.pid, signal.SIGINT)
    try:
        _, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == 130
    assert "model saved: digits.safetensors" in err and "Traceback" not in err
    assert us.load("digits.safetensors").size > 0


def test_trouble_is_told_with_its_cause_and_what_was_done(capsys):
    settings = ["--optimizer", "sgd", "--learning-rate", 60, "--epochs", 2]
    code, out, err = answer(capsys, "train", "digits", *settings, "--on-trouble", "lower_rate")
    assert code == 0
    assert "trouble: the loss explodes" in err and "unstuck explain lr-too-high" in err
    assert "Back to the start of epoch 1, from there with the rate 6" in err
    code, out, err = answer(capsys, "train", "digits", *settings, "--on-trouble", "stop", "--json")
    found = json.loads(out)
    assert found["stopped_because"] == "trouble" and found["epochs"] == 0
    assert "the loss explodes" in found["troubles"][0]
    code, out, err = answer(capsys, "train", "digits", "--on-trouble", "ignore")
    assert code == 2
    assert err.splitlines()[-1] == (
        "error: unknown answer to trouble (on_trouble) 'ignore'. Known: lower_rate, stop, warn"
    )


def test_training_ends_as_soon_as_the_aim_is_reached_and_says_when(capsys):
    code, out, err = answer(capsys, "train", "iris", "--to", 0.8, "--epochs", 200)
    assert code == 0
    assert "test accuracy" in err and "(the aim was reached)" in out
    last = err.splitlines()[-1]
    assert "on the test data in epoch " in last and last.endswith(" after the command began.")
    code, out, err = answer(capsys, "train", "iris", "--to", 0.8, "--epochs", 200, "--json")
    found = json.loads(out)
    assert found["stopped_because"] == "target reached"
    assert found["to"]["reached"] and found["to"]["epoch"] == found["epochs"] < 200
    assert found["test"]["accuracy"] >= 0.8 and found["to"]["seconds"] > 0


def test_an_aim_that_is_not_reached_is_said_with_the_best_that_was(capsys):
    code, _, err = answer(capsys, "train", "sine", "--to", 1, "--epochs", 2)
    assert code == 0
    assert "R² 1.000 on the test data was not reached; the best was R² " in err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("iris", "--to", 95), "--to is 95; expected a share of at most 1, such as 0.99; did you mean 0.95?"),
        (("iris", "--to", 0.9, "--test-fraction", 0), "--to 0.9 needs test data, and 'iris' is without"),
        (("iris", "--network", "lenet"), "lenet reads pictures of at least 12 × 12 pixels; each row of 'iris' is 4."),
        (
            ("iris", "--network", "lstm"),
            "lstm reads sequences (steps, features), or grey pictures row by row; each row",
        ),
        (("mnist", "--network", "lennet"), "network 'lennet' is not known"),
        (("mnist", "--network", "lennet"), "did you mean 'lenet'?"),
        (
            ("digits", "--network", "rnn", "--dropout", 0.5),
            "--dropout 0.5 was given, but the layers of rnn are settled",
        ),
    ],
)
def test_what_an_aim_or_a_preset_cannot_do_is_said_in_one_sentence(capsys, tmp_path, arguments, sentence):
    code, out, err = answer(capsys, "train", *arguments)
    assert (code, out) == (2, "")
    assert sentence in " ".join(err.split())
    assert list(tmp_path.iterdir()) == []


def test_a_preset_is_chosen_by_its_name_and_its_settings_can_be_changed(capsys):
    code, out, err = answer(capsys, "train", "digits", "--network", "rnn", "--epochs", 1, "--learning-rate", 0.004)
    assert code == 0
    assert "SimpleRNN(units=128)" in out and "Adam 0.004, batches of 128" in err
    assert [layer.kind for layer in us.load("digits.safetensors").layers] == ["SimpleRNN", "Dense"]
