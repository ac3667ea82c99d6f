"""Callbacks: Keras' hooks in Keras' order, what they are told, and the one that prints."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
import pytest

import unstuck as us
from unstuck import nn

X = np.random.default_rng(0).normal(size=(10, 2))
Y = (X[:, 0] > 0).astype(int)
HOOKS = [name for name in dir(us.Callback) if name.startswith("on_")]


def noted(**settings: Any) -> list[tuple[str, tuple[Any, ...]]]:
    calls: list[tuple[str, tuple[Any, ...]]] = []

    def hook(name: str) -> Any:
        return lambda *arguments: calls.append((name, arguments))

    callback = us.LambdaCallback(**{name: hook(name) for name in HOOKS})
    us.fit(nn.Network(nn.Dense(2)), (X, Y), batch_size=6, epochs=2, callbacks=[callback], **settings)
    return calls


def test_the_hooks_are_called_in_keras_order_with_epoch_and_batch_from_zero() -> None:
    calls = noted(validation=(X, Y))
    batch = ["on_train_batch_begin", "on_train_batch_end"]
    epoch = ["on_epoch_begin", *batch, *batch, "on_test_begin", "on_test_end", "on_epoch_end"]
    assert [name for name, _ in calls] == ["on_train_begin", *epoch, *epoch, "on_train_end"]
    assert [a[0] for name, a in calls if name.startswith("on_epoch")] == [0, 0, 1, 1]
    assert [a[0] for name, a in calls if name.startswith("on_train_batch")] == [0, 0, 1, 1] * 2


def test_the_logs_hold_what_is_known() -> None:
    calls = noted(validation=(X, Y))
    logs = {name: arguments[-1] for name, arguments in calls}
    assert set(logs["on_epoch_end"]) == {
        "epoch", "loss", "accuracy", "learning_rate", "validation_loss", "validation_accuracy", "validation_balanced_accuracy",
        "seconds",
    }  # fmt: skip
    assert logs["on_train_end"] == logs["on_epoch_end"]
    assert set(logs["on_test_end"]) == {"loss", "accuracy", "balanced_accuracy"}
    assert set(logs["on_train_batch_end"]) == {"loss", "size"}
    assert logs["on_train_batch_begin"]["size"] == 4


@pytest.mark.extra
def test_every_hook_but_that_for_trouble_exists_in_keras_under_the_same_name() -> None:
    keras = pytest.importorskip("keras")
    assert [name for name in HOOKS if not hasattr(keras.callbacks.Callback, name)] == ["on_trouble"]


def test_the_run_is_there_before_training_begins() -> None:
    class Early(us.Callback):
        def on_train_begin(self, logs: dict[str, Any]) -> None:
            assert self.run.epochs == 0
            assert self.run.network.is_built

    us.fit(nn.Network(nn.Dense(2)), (X, Y), epochs=1, callbacks=[Early()])


def test_print_progress_writes_one_line_for_every_so_many_epochs() -> None:
    stream = io.StringIO()
    us.fit(nn.Network(nn.Dense(2)), (X, Y), epochs=4, callbacks=[us.PrintProgress(stream, every=2)])
    lines = stream.getvalue().splitlines()
    assert [line.split("  ")[0] for line in lines] == ["epoch 2", "epoch 4"]
    assert all("loss 0." in line and "accuracy 0." in line and "seconds" not in line for line in lines)


def test_training_itself_prints_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    us.fit(nn.Network(nn.Dense(2)), (X, Y), epochs=2, validation=(X, Y))
    assert capfd.readouterr() == ("", "")
