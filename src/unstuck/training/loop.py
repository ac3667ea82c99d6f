"""The loop over epochs: take steps, look at what came of them, tell the callbacks, and find out when it is time to end."""

from __future__ import annotations

import math
import time
from typing import Any

import numpy as np

from unstuck.engines.reference import is_finite
from unstuck.engines.threads import suited_to
from unstuck.training.callbacks import Callback
from unstuck.training.guard import AGAIN, END, GO_ON, Guard
from unstuck.training.preparation import Prepared
from unstuck.training.recording import Recorder
from unstuck.training.run import Run, answers, evaluate
from unstuck.training.schedules import ReduceOnPlateau
from unstuck.training.stepping import LOOK_SECONDS, Stepping
from unstuck.training.stopping import Watcher
from unstuck.training.trouble import Trouble

Array = np.ndarray[Any, Any]


class Loop:
    """One training, from its first step to its last."""

    def __init__(self, prepared: Prepared, started: float) -> None:
        self.prepared, self.run, self.started = prepared, prepared.run, started
        self.stepping = Stepping(prepared, started)
        self.recorder = Recorder(prepared.network, prepared.graph_with_gradients, self.run.recording)
        self.guard = Guard(prepared, self.stepping, self.recorder, self._tell_of_trouble)
        rule = prepared.early_stopping
        self.watcher = Watcher(rule) if rule is not None else None
        self.one_by_one = 0  # the epoch up to which there is trouble to be found
        hooks = {"on_train_batch_begin", "on_train_batch_end"}
        self.batch_hooks = [
            c for c in prepared.callbacks
            if hooks & set(vars(c)) or any(getattr(type(c), hook) is not getattr(Callback, hook) for hook in hooks)
        ]  # fmt: skip
        for callback in prepared.callbacks:
            callback.set_run(self.run)

    def run_all(self) -> Run:
        """Train to the end; gives the finished Run."""
        run, epochs = self.run, self.prepared.epochs
        try:
            self._call("on_train_begin", {})
            compiled = self.prepared.engine.name != "reference"
            with suited_to(self.stepping.graph(self.stepping.rows), compiled=compiled):
                epoch, answer = 0, GO_ON
                while epoch < epochs and answer != END:
                    at_once = self._unwatched_epochs(epoch)
                    if at_once > 1 and self._many_epochs(epoch, at_once):
                        epoch += at_once
                        continue
                    answer = self._epoch(epoch)
                    epoch += answer != AGAIN
                    if answer == AGAIN and run.stop_training:
                        run.stopped_because, answer = "callback", END
                run.stopped_because = run.stopped_because or "epochs"
        except KeyboardInterrupt:
            run.stopped_because = "interrupted"
            if not all(map(is_finite, self.stepping.state)):
                self.stepping.go_back()
        self.stepping.store()
        if self.watcher is not None and self.watcher.best_epoch >= 0:
            self.prepared.network.parameters.update(self.watcher.best_parameters)
            run.best_epoch = self.watcher.best_epoch + 1
        run.seconds = time.perf_counter() - self.started
        self._call("on_train_end", run.history.row(-1) if len(run.history) else {})
        return run

    def _epoch(self, epoch: int) -> str:
        """One epoch; whether to go on, to do it again, or to end training."""
        run, stepping, plan, begun = self.run, self.stepping, self.prepared.plan, time.perf_counter()
        stepping.begin_epoch()
        self.guard.begin_epoch(epoch)
        self._call("on_epoch_begin", {}, epoch)
        correct, seen, done, gradient, known = 0.0, 0, 0, None, len(run.troubles)
        order, rates = stepping.order(epoch), stepping.rates(epoch)
        losses, data_losses = np.empty(len(rates)), np.empty(len(rates))  # of each step, with penalties and without
        taken: list[list[Array]] = []  # the figures of named outputs, of each step
        while done < len(rates):
            count = self._span(done, len(rates))
            rows = order[done * stepping.rows : (done + count) * stepping.rows]
            if self.batch_hooks:
                self._call_batch("on_train_batch_begin", {"size": len(rows), "rows": rows}, done)
            results = stepping.take(order, rates, done, count)
            new = np.asarray(results[0], np.float64)
            if not np.isfinite(new).all():
                return self.guard.not_finite(epoch, order, rates)
            losses[done : done + count], data_losses[done : done + count] = new, results[1]
            taken.append(results[len(results) - len(plan.figures) :])
            seen, done = seen + len(rows), done + count
            answer = self.guard.after_steps(epoch, data_losses[:done], order, rates)
            if answer != GO_ON:
                return answer
            if plan.counts_correct:
                correct += float(results[2].sum())
            if plan.reports_gradient:
                gradient = float(results[3 if plan.counts_correct else 2][-1])
            if self.batch_hooks:
                stepping.store()
                self._call_batch("on_train_batch_end", {"loss": float(new[-1]), "size": len(rows)}, done - 1)
            if run.stop_training and (self.batch_hooks or len(run.troubles) > known):
                break
            if self._is_close_enough(float(new[-1]), gradient):
                run.stopped_because = "tolerance"
                break
        if not all(map(is_finite, stepping.state)):
            return self.guard.not_finite(epoch, order, rates)
        answer = self.guard.after_epoch(epoch, self._epoch_loss(data_losses[:done], seen), done, order, rates)
        if answer == AGAIN:
            return answer
        figures: dict[str, Any] = {"epoch": epoch + 1, "loss": self._epoch_loss(losses[:done], seen)}
        if plan.counts_correct:
            figures["accuracy"] = correct / answers(self.prepared.targets[order[:seen]])
        if gradient is not None:
            figures["gradient"] = gradient
        figures.update(self.prepared.named_figures([np.concatenate(parts) for parts in zip(*taken, strict=True)], seen))
        figures["learning_rate"] = float(rates[done - 1])
        stepping.store()
        if self.prepared.validation is not None:
            self._call("on_test_begin", {})
            measured = evaluate(self.prepared.network, self.prepared.validation, loss=self.prepared.loss)
            figures.update({f"validation_{name}": value for name, value in measured.items()})
            self._call("on_test_end", measured)
        self._record(epoch, order, rates, done - 1)
        figures["seconds"] = time.perf_counter() - begun
        figures.update(self.guard.notes())
        run.history.append(figures)
        return self._end_of(epoch, figures)

    def _end_of(self, epoch: int, figures: dict[str, Any]) -> str:
        """Whether training ends with this epoch, by any of the rules."""
        run, stop = self.run, bool(self.run.stopped_because)
        if self.watcher is not None and self.watcher.see(epoch, figures, self.prepared.network.parameters) and not stop:
            run.stopped_because, stop = "early stopping", True
        self._call("on_epoch_end", figures, epoch)
        if run.stop_training and not stop:
            run.stopped_because, stop = run.stopped_because or "callback", True
        return END if stop else GO_ON

    # Short epochs that nobody looks at, such as those of full batches, are taken many at a time ---------------------------
    def _unwatched_epochs(self, epoch: int) -> int:
        """How many of the coming epochs may be run without looking in between."""
        prepared, stepping = self.prepared, self.stepping
        watched = prepared.validation is not None or self.watcher or prepared.callbacks or self.guard.pending
        if watched or prepared.tolerance is not None or stepping.count % stepping.rows or not self.run.steps:
            return 1
        if isinstance(stepping.schedule, ReduceOnPlateau) or epoch < self.one_by_one or stepping.carried:
            return 1
        return max(1, min(prepared.epochs - epoch, int(LOOK_SECONDS / stepping.pace) // stepping.in_epoch))

    def _many_epochs(self, first: int, count: int) -> bool:
        """Run epochs at once; False, and all as before, if there is trouble in them (so that it can be found)."""
        run, stepping, begun = self.run, self.stepping, time.perf_counter()
        stepping.begin_epoch()
        epochs = range(first, first + count)
        shuffled = self.prepared.shuffle
        order = (
            np.concatenate([stepping.order(e) for e in epochs]) if shuffled else np.tile(stepping.order(first), count)
        )
        rates = stepping.many_rates(first, count)
        results = stepping.take(order, rates.ravel(), 0, rates.size)
        losses, data_losses = (np.asarray(part, np.float64).reshape(rates.shape) for part in results[:2])
        finite = bool(np.isfinite(losses).all()) and all(map(is_finite, stepping.state))
        if not finite or self.guard.sees_trouble(data_losses):
            stepping.go_back()
            self.one_by_one = first + count
            return False
        rows = stepping.rows if self.prepared.loss.batch == "mean" else 1
        share = rows / (stepping.count if self.prepared.loss.batch == "mean" else 1)
        columns: dict[str, list[Any]] = {
            "epoch": [e + 1 for e in epochs], "loss": [math.fsum(row) * share for row in losses.tolist()]
        }  # fmt: skip
        if self.prepared.plan.counts_correct:
            columns["accuracy"] = (
                results[2].reshape(rates.shape).sum(axis=1) / answers(self.prepared.targets)
            ).tolist()
        named = self.prepared.plan.figures
        own = [np.asarray(part).reshape(rates.shape) for part in results[len(results) - len(named) :]]
        for i in range(count if named else 0):
            for name, value in self.prepared.named_figures([part[i] for part in own], stepping.count).items():
                columns.setdefault(name, []).append(value)
        columns["learning_rate"] = rates[:, -1].tolist()
        stepping.store()
        self._record(first + count - 1, order, rates.ravel(), rates.size - 1)
        columns["seconds"] = [(time.perf_counter() - begun) / count] * count
        run.history.extend(columns)
        return True

    def _span(self, done: int, steps: int) -> int:
        """How many of an epoch's steps to take, behind those done, before looking at their results, and for Ctrl-C."""
        if self.batch_hooks or self.prepared.tolerance is not None:
            return 1
        return self.guard.until_check(done, min(steps - done, self.stepping.at_a_look()))

    def _record(self, epoch: int, order: Array, rates: Array, batch: int) -> None:
        """Let the recorder look at what a step on this batch does now."""

        def given() -> tuple[Any, ...]:
            return self.stepping.inputs_of(order, rates, batch)

        last, passed = epoch == self.prepared.epochs - 1, time.perf_counter() - self.started
        self.recorder.epoch(epoch + 1, self.run.steps, passed, given, last=last)

    def _epoch_loss(self, losses: Array, seen: int) -> float:
        """The loss of an epoch from those of its steps; only the last of them may have had fewer rows."""
        parts = losses.tolist()
        if self.prepared.loss.batch == "sum":
            return math.fsum(parts)
        last = seen - self.stepping.rows * (len(parts) - 1)
        return (self.stepping.rows * math.fsum(parts[:-1]) + last * parts[-1]) / seen

    def _is_close_enough(self, loss: float, gradient: float | None) -> bool:
        tolerance = self.prepared.tolerance
        if tolerance is None:
            return False
        small_loss = tolerance.loss is not None and loss < tolerance.loss
        return small_loss or (gradient is not None and gradient < tolerance.gradient)  # type: ignore[operator]

    def _call(self, hook: str, logs: dict[str, Any], *epoch: int) -> None:
        for callback in self.prepared.callbacks:
            getattr(callback, hook)(*epoch, logs)

    def _tell_of_trouble(self, trouble: Trouble) -> None:
        self.stepping.store()
        for callback in self.prepared.callbacks:
            callback.on_trouble(trouble)

    def _call_batch(self, hook: str, logs: dict[str, Any], batch: int) -> None:
        for callback in self.batch_hooks:
            getattr(callback, hook)(batch, logs)
