"""Models on disk: bit-equal after loading, one sentence for every file that is not a whole model, nothing half-written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.numpy import save_file

import unstuck as us
from unstuck import files, nn
from unstuck.nn.layers import base
from unstuck.training import load_with_history, saving

X = np.random.default_rng(0).normal(size=(9, 4))
CLASSES = np.arange(9) % 3


def tripled(x: Any, gain: Any) -> Any:
    return 3 * x * gain


FUNCTIONS = {"tripled": tripled}
OWN = nn.Function(tripled, shapes={"gain": (4,)}, init={"gain": 0.5})
LAYERS: list[list[nn.Layer]] = [
    [nn.Dense(3)],
    [nn.Dense(3, bias=False, weight_init="orthogonal")],
    [nn.Dense(3, bias_value=-1, bias_init=nn.Uniform(0, 1))],
    [nn.Dropout(0.3)],
    [nn.Flatten()],
    [nn.LeakyReLU(0.3)],
    [nn.ELU(0.5)],
    *[[kind()] for kind in (nn.Identity, nn.Sigmoid, nn.Tanh, nn.ReLU, nn.GELU, nn.SiLU, nn.Softplus, nn.Softmax)],
    [OWN],
]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("layers", LAYERS, ids=lambda layers: str(layers[0]))
def test_saved_and_loaded_predicts_the_same_bits(layers: list[nn.Layer], dtype: str, tmp_path: Path) -> None:
    network = nn.Network(*layers, input_shape=4, dtype=dtype, seed=5)
    again = us.load(us.save(network, tmp_path / "model.safetensors"), functions=FUNCTIONS)
    assert np.array_equal(again.outputs(X), network.outputs(X))
    assert again.layers == network.layers
    assert str(again) == str(network)


@pytest.fixture
def run() -> us.Run:
    network = nn.Network(nn.Dense(5), nn.Tanh(), nn.Dense(3))
    names = np.array(["ash", "birch", "cedar"])
    return us.fit(
        network, (X, names[CLASSES]), preprocessing="standardise", epochs=3, validation=(X, names[CLASSES]),
        optimizer=us.Adam(us.schedules.Cosine(0.1)),
    )  # fmt: skip


def test_preprocessing_classes_loss_and_history_come_back(run: us.Run, tmp_path: Path) -> None:
    network, history = load_with_history(run.save(tmp_path / "model.safetensors"))
    assert np.array_equal(network.predict_probabilities(X), run.network.predict_probabilities(X))
    assert network.class_names == ("ash", "birch", "cedar")
    assert network.task == "classification"
    assert us.evaluate(network, (X, CLASSES)) == run.evaluate((X, CLASSES))
    assert history.columns == run.history.columns
    assert list(history) == list(run.history)


def test_standardised_targets_come_back_in_their_units(tmp_path: Path) -> None:
    y = X[:, 0] * 1000 + 5000
    run = us.fit(nn.Network(nn.Dense(1)), (X, y), targets="standardise", epochs=2)
    again = us.load(run.save(tmp_path / "m.safetensors"))
    assert np.array_equal(again.predict(X), run.network.predict(X))
    assert again.predict(X).mean() > 1000


def test_a_saved_network_goes_on_training_as_the_one_in_memory(run: us.Run, tmp_path: Path) -> None:
    again = us.load(run.save(tmp_path / "m.safetensors"))
    for network in (again, run.network):
        us.fit(network, (X, CLASSES), epochs=2, seed=7)
    assert np.array_equal(again.outputs(X), run.network.outputs(X))


def test_a_loss_of_the_users_is_asked_for_only_when_it_is_needed(tmp_path: Path) -> None:
    def fourth(outputs: Any, targets: Any) -> Any:
        return np.sum((outputs - targets) ** 4, axis=-1)

    run = us.fit(nn.Network(nn.Dense(3)), (X, CLASSES), loss=nn.FunctionLoss(fourth, takes="logits"), epochs=1)
    path = run.save(tmp_path / "m.safetensors")
    without = us.load(path)
    assert np.array_equal(without.predict_probabilities(X), run.network.predict_probabilities(X))
    with pytest.raises(us.InputError) as error:
        us.evaluate(without, (X, CLASSES))
    assert str(error.value) == (
        "the loss 'fourth' is a function of your own; give it again: unstuck.load(path, functions={'fourth': …})."
    )
    assert us.evaluate(us.load(path, functions={"fourth": fourth}), (X, CLASSES)) == run.evaluate((X, CLASSES))


def test_the_file_is_plain_safetensors_with_the_parameters_under_their_names(run: us.Run, tmp_path: Path) -> None:
    from safetensors.numpy import load_file

    tensors = load_file(run.save(tmp_path / "m.safetensors"))
    assert np.array_equal(tensors["dense1.weight"], run.network.parameters["dense1.weight"])


# Files that are not a whole model -----------------------------------------------------------------------------------
def refused(path: Path, **options: Any) -> str:
    with pytest.raises(us.InputError) as error:
        us.load(path, **options)
    text = str(error.value)
    assert text.startswith(str(path))
    assert "\n" not in text
    return text.removeprefix(str(path))


@pytest.fixture
def model(run: us.Run, tmp_path: Path) -> Path:
    return run.save(tmp_path / "model.safetensors")


def test_a_truncated_file_is_said_to_be_one_wherever_it_ends(model: Path) -> None:
    whole = model.read_bytes()
    header = int.from_bytes(whole[:8], "little")
    for length in {0, 1, 7, 8, 9, header // 2, header + 7, header + 8, header + 9, len(whole) // 2, len(whole) - 1}:
        model.write_bytes(whole[:length])
        text = refused(model)
        assert text.startswith(": not a whole safetensors file (")
        assert text.endswith("expected a model saved by unstuck. If it was copied, copy it again.")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04zip", b"\x89HDF\r\n", b"\x80\x04.", "weights".encode("utf-16")])
def test_a_file_of_another_kind_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "model.bin"
    path.write_bytes(content)
    assert refused(path).startswith(": not a whole safetensors file (")


def test_a_safetensors_file_of_another_program_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.safetensors"
    save_file({"w": np.zeros(3)}, path)
    assert refused(path) == ": a safetensors file of another program; expected a model saved by unstuck."


def test_a_missing_file_and_a_folder_are_said_to_be_so(tmp_path: Path) -> None:
    assert refused(tmp_path / "none") == ": there is no such file; expected a model saved by unstuck."
    assert refused(tmp_path) == " is a folder; expected a model file saved by unstuck."


def test_a_file_that_may_not_be_read_is_said_to_be_so(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(*_: Any, **__: Any) -> Any:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", denied)
    assert refused(model) == ": may not be read; ask its owner for the right to read it."


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_flipped_bytes_are_noticed_or_change_nothing(model: Path, data: st.DataObject) -> None:
    """A byte between the entries of the header may be another blank: such a file must load to the very same model."""
    whole = model.read_bytes()
    flips = data.draw(st.lists(st.tuples(st.integers(0, len(whole) - 1), st.integers(1, 255)), min_size=1, max_size=3))
    altered = bytearray(whole)
    for place, mask in flips:
        altered[place] ^= mask
    path = model.with_name("altered.safetensors")
    path.write_bytes(altered)
    try:
        network, history = load_with_history(path)
    except us.InputError as error:
        assert str(error).startswith(str(path))
        assert "\n" not in str(error)
    else:
        right, columns = load_with_history(model)
        assert np.array_equal(network.outputs(X), right.outputs(X))
        assert history.columns == columns.columns


def test_every_altered_weight_is_noticed(model: Path) -> None:
    whole = model.read_bytes()
    start = 8 + int.from_bytes(whole[:8], "little")
    for place in range(start, len(whole)):
        altered = bytearray(whole)
        altered[place] ^= 1
        model.write_bytes(altered)
        assert (
            refused(model)
            == ": the contents do not match their digest; the file was altered or damaged. Save it again."
        )


def rewritten(model: Path, change: Any, **tensors: Any) -> Path:
    """The model with its description changed by a program that also knows the digest."""
    text, _, kept = saving._read(model)
    description = json.loads(text)
    change(description)
    kept = {**kept, **tensors}
    text = json.dumps(description)
    path = model.with_name("rewritten.safetensors")
    save_file(kept, path, metadata={"unstuck": text, "sha256": saving._digest(text, kept)})
    return path


def test_a_later_version_is_told_what_to_install(model: Path) -> None:
    later = rewritten(model, lambda d: d.update(format=2))
    assert refused(later) == ": written in format 2; this version of unstuck reads format 1. Install a newer unstuck."


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda d: d.update(format="x"), ": written in format 'x'; expected a whole number. Save the model again."),
        (lambda d: d.pop("format"), ": the description of the network is damaged; save the model again."),
        (
            lambda d: d.pop("network"),
            ": the description of the network cannot be read ('network'); save the model again.",
        ),
        (
            lambda d: d["network"]["layers"][0].update(layer="Cense"),
            f": unknown layer 'Cense'; did you mean 'Dense'? Known: {', '.join(sorted(base.LAYERS))}",
        ),
        (
            lambda d: d["network"]["layers"][0].update(units=7),
            ": parameter dense1.weight is float32 of shape (4, 5); expected float32 of shape (4, 7).",
        ),
        (
            lambda d: d["network"].update(dtype="float64"),
            ": parameter dense1.weight is float32 of shape (4, 5); expected float64 of shape (4, 5).",
        ),
        (
            lambda d: d["network"].update(input_shape=["4"]),
            ": input_shape: a size is '4'; expected a whole number of at least 1.",
        ),
        (
            lambda d: d["history"]["loss"].pop(),
            ": the description of the network cannot be read (the columns of the history have different lengths); save the "
            "model again.",
        ),
    ],
)
def test_a_description_that_does_not_fit_is_one_sentence(model: Path, change: Any, sentence: str) -> None:
    assert refused(rewritten(model, change)) == sentence


@pytest.mark.parametrize("key", ["network", "task", "class_names", "loss", "history", "preprocessing"])
@pytest.mark.parametrize("value", [5, "text", [1], {"a": 1}, True], ids=str)
def test_any_other_nonsense_in_the_description_is_an_input_error_or_harmless(model: Path, key: str, value: Any) -> None:
    path = rewritten(model, lambda d: d.update({key: value}))
    try:
        us.load(path)
    except us.InputError as error:
        assert "\n" not in str(error)


def test_nothing_in_a_file_is_run(model: Path, tmp_path: Path) -> None:
    """A name of a function is only ever looked up in what the caller gave."""
    own = us.save(nn.Network(OWN, input_shape=4), tmp_path / "own.safetensors")
    assert refused(own) == (
        ": layer 'tripled' is a function of your own; give it again: unstuck.load(path, functions={'tripled': …})."
    )


# Writing --------------------------------------------------------------------------------------------------------------
def test_places_that_cannot_be_written_are_named_before_training_and_when_saving(run: us.Run, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    for path, sentence in (
        (
            tmp_path,
            f"{tmp_path} is a folder; expected the name of a file to write, such as {tmp_path}/model.safetensors.",
        ),
        (
            tmp_path / "no" / "m",
            f"{tmp_path}/no/m: the folder {tmp_path}/no does not exist; create it or choose another place.",
        ),
    ):
        for attempt in (lambda path=path: files.check_writable(path), lambda path=path: run.save(path)):
            with pytest.raises(us.InputError) as error:
                attempt()
            assert str(error.value) == sentence


def test_a_folder_without_the_right_to_write_is_named(
    run: us.Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files.os, "access", lambda *_: False)
    with pytest.raises(us.InputError) as error:
        run.save(tmp_path / "m")
    assert str(error.value) == f"{tmp_path}/m: the folder {tmp_path} cannot be written to; choose another place."


@pytest.mark.parametrize("broken", ["fsync", "replace"])
def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(
    broken: str, run: us.Run, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = model.read_bytes()

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    us.fit(run.network, (X, CLASSES), epochs=1)
    monkeypatch.setattr(files.os, broken, full)
    with pytest.raises(us.InputError) as error:
        us.save(run.network, model)
    assert str(error.value) == f"{model}: cannot be written (No space left on device); choose another place."
    assert model.read_bytes() == before
    assert [p.name for p in model.parent.iterdir()] == [model.name]


def test_ctrl_c_while_writing_leaves_the_old_file_and_nothing_else(
    run: us.Run, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: Any) -> None:
        raise KeyboardInterrupt

    before = model.read_bytes()
    monkeypatch.setattr(files.os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run.save(model)
    assert model.read_bytes() == before
    assert [p.name for p in model.parent.iterdir()] == [model.name]


def test_two_functions_of_one_name_are_not_saved_because_load_could_not_tell_them_apart(tmp_path: Path) -> None:
    network = nn.Network(nn.Function(lambda x: x + 1), nn.Function(lambda x: x * 2), input_shape=4)
    with pytest.raises(us.InputError) as error:
        us.save(network, tmp_path / "m")
    assert (
        str(error.value) == "two different functions of the network have the name 'function'; give each its own name=."
    )
    assert not list(tmp_path.iterdir())


def test_an_unbuilt_network_is_not_saved(tmp_path: Path) -> None:
    with pytest.raises(us.InputError, match="does not know the shape of its inputs yet"):
        us.save(nn.Network(nn.Dense(3)), tmp_path / "m")
    assert not list(tmp_path.iterdir())
