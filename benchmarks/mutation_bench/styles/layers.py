"""Style: layer objects with forward and backward, chained by a network object; batch norm, dropout, clipping at times."""

from __future__ import annotations

import random

from ..markup import Program
from ..pieces import (
    activation,
    loss,
    metric,
    normal,
    output_delta,
    output_delta_faults,
    report,
    slope_from_output,
    softmax,
    task,
    wrong_slope,
)
from ..spec import Spec

OPTIONS: dict[str, tuple[str, ...]] = {
    "layout": ("rows",),
    "optimiser": ("sgd", "momentum"),
    "batch": ("16", "20", "32"),
    "penalty": ("0",),
    "dtype": ("float64", "float64", "float32"),
    "scale": ("delta",),
}


def write(s: Spec) -> Program:
    """The program of a specification."""
    p, rnd = Program(), random.Random(f"layers {s.seed}")
    extra = rnd.choice(("none", "none", "norm", "dropout", "clip"))
    p.block("import numpy as np")
    p.gap(2)
    if s.classes:
        p.block(softmax(1))
        p.gap(2)
    _dense(p, s, accumulate=rnd.random() < 0.5)
    _bend(p, s)
    if extra == "norm":
        _norm(p)
    if extra == "dropout":
        _dropout(p)
    _network(p, s)
    _loop(p, s, extra, rnd)
    return p


def _dense(p: Program, s: Spec, accumulate: bool) -> None:
    v = s.names
    sign = "+=" if accumulate else "="
    cast = '.astype("float32")' if s.dtype == "float32" else ""
    p.block(
        f"""
        class Dense:
            def __init__(self, a, b):
                self.{v.w} = {normal(s, "a", "(a, b)")}{cast}
                self.{v.b} = np.zeros((1, b){', "float32"' if cast else ""})
                self.{v.g}w, self.{v.g}b = np.zeros_like(self.{v.w}), np.zeros_like(self.{v.b})

            def forward(self, x):
                self.x = x
                self.{v.z} = x @ self.{v.w} + self.{v.b}
                return self.{v.z}

            def backward(self, {v.d}):
                self.{v.g}w {sign} self.x.T @ {v.d}
                #~ samples-dropped:last >> self.{v.g}w {sign} self.x[:-1].T @ {v.d}[:-1]
                #~ gradient-scale-wrong:twice >> self.{v.g}w {sign} self.x.T @ {v.d} / len({v.d})
                #~ gradient-operand-wrong:sign >> self.{v.g}w {sign} np.abs(self.x).T @ {v.d}
                #~ product-or-axis-wrong:swapped >> self.{v.g}w {sign} self.x @ {v.d}.T
                #~ updated-too-early >> self.{v.g}w {sign} self.x.T @ {v.d} ;; self.{v.w} -= {s.rate} * self.{v.g}w
                self.{v.g}b {sign} {v.d}.sum(axis=0, keepdims=True)
                #~ bias-gradient-wrong:mean >> self.{v.g}b {sign} {v.d}.mean(axis=0, keepdims=True)
                #~ bias-gradient-wrong:first >> self.{v.g}b {sign} {v.d}[:1]
                #~ product-or-axis-wrong:bias >> self.{v.g}b {sign} {v.d}.sum(axis=1)
                return {v.d} @ self.{v.w}.T
                #~ backprop-weights-wrong:gradient >> return {v.d} @ self.{v.g}w.T
                #~ backprop-weights-wrong:untransposed >> return {v.d} @ self.{v.w}

            def params(self):
                return [(self.{v.w}, self.{v.g}w), (self.{v.b}, self.{v.g}b)]
                #~ bias-gradient-wrong:forgotten >> return [(self.{v.w}, self.{v.g}w)]
        """
    )
    if s.optimiser != "sgd" or accumulate:
        p.last(f"self.{v.g}w {sign}").alternatives.pop("updated-too-early")
    else:
        p.last("return [(").alternatives["updated-too-early"] = f"return [(self.{v.b}, self.{v.g}b)]"
    if accumulate:
        p.gap()
        p.block(
            f"""
            def clear(self):
                self.{v.g}w[...] = 0
                #~ gradient-not-reset:weights >> pass
                self.{v.g}b[...] = 0
                #~ gradient-not-reset:weights >> -
            """,
            4,
        )
    p.gap(2)


def _bend(p: Program, s: Spec) -> None:
    v = s.names
    slope = slope_from_output(s.activation, f"self.{s.names.a}")
    p.block(
        f"""
        class Bend:
            def forward(self, {v.z}):
                self.{v.z} = {v.z}
                self.{v.a} = {activation(s.activation, v.z)}
                return self.{v.a}

            def backward(self, {v.d}):
                return {v.d} * {slope}
                #~ activation-derivative-missing >> return {v.d}
                #~ activation-derivative-wrong:other >> return {v.d} * {wrong_slope(s.activation, f"self.{v.a}")}
                #~ activation-derivative-misplaced >> return {v.d} * {slope_from_output(s.activation, f"self.{v.z}")}
                #~ activation-derivative-wrong:mask >> return {v.d} * ({v.d} > 0)
                #~ buffer-overwritten:slope >> self.{v.a} *= 0.5 ;; return {v.d} * {slope}

            def params(self):
                return []
        """
    )
    p.gap(2)


def _norm(p: Program) -> None:
    p.block(
        """
        class Norm:
            def __init__(self, n):
                self.gain, self.shift = np.ones((1, n)), np.zeros((1, n))
                self.g_gain, self.g_shift = np.zeros((1, n)), np.zeros((1, n))
                self.mean, self.var, self.learning = np.zeros((1, n)), np.ones((1, n)), True

            def forward(self, x):
                if self.learning:
                    m, u = x.mean(axis=0, keepdims=True), x.var(axis=0, keepdims=True)
                    self.mean, self.var = 0.9 * self.mean + 0.1 * m, 0.9 * self.var + 0.1 * u
                else:
                    m, u = self.mean, self.var
                self.root = np.sqrt(u + 1e-5)
                self.hat = (x - m) / self.root
                return self.gain * self.hat + self.shift

            def backward(self, d):
                self.g_gain = (d * self.hat).sum(axis=0, keepdims=True)
                self.g_shift = d.sum(axis=0, keepdims=True)
                d = d * self.gain
                inner = d.mean(axis=0) + self.hat * (d * self.hat).mean(axis=0)
                #~ norm-backward-wrong:variance >> inner = d.mean(axis=0)
                return (d - inner) / self.root
                #~ norm-backward-wrong:constants >> return d / self.root

            def params(self):
                return [(self.gain, self.g_gain), (self.shift, self.g_shift)]
        """
    )
    p.gap(2)


def _dropout(p: Program) -> None:
    p.block(
        """
        class Dropout:
            learning = True

            def forward(self, x):
                if not self.learning:
                    return x
                self.mask = (rng.uniform(size=x.shape) < 0.9) / 0.9
                return x * self.mask

            def backward(self, d):
                return d * self.mask
                #~ dropout-mask-wrong:missing >> return d
                #~ dropout-mask-wrong:unscaled >> return d * (self.mask > 0)
                #~ dropout-mask-wrong:fresh >> return d * (rng.uniform(size=d.shape) < 0.9) / 0.9

            def params(self):
                return []
        """
    )
    p.gap(2)


def _network(p: Program, s: Spec) -> None:
    v = s.names
    final = {"linear": "x", "sigmoid": "1 / (1 + np.exp(-x))", "softmax": "softmax(x)"}[s.head.partition("-")[0]]
    p.block(
        f"""
        class {v.net}:
            def __init__(self, layers):
                self.layers = layers

            def {v.forward}(self, x):
                for layer in self.layers:
                    x = layer.forward(x)
                return {final}

            def {v.backward}(self, {v.out}, goal):
                {v.d} = {output_delta(s.head, v.out, "goal", 1)} / len(goal)
        """
    )
    p.alternatives({k: f"{v.d} = {t} / len(goal)" for k, t in output_delta_faults(s.head, v.out, "goal", 1).items()})
    p.block(
        f"""
        for layer in self.layers[::-1]:
        #~ layer-not-trained:first >> for layer in self.layers[:0:-1]:
            {v.d} = layer.backward({v.d})
            #~ clipped-inside-backward:each >> {v.d} = np.clip(layer.backward({v.d}), -0.003, 0.003)
        """,
        8,
    )
    p.gap()
    p.block("def params(self):\n    return [pair for layer in self.layers for pair in layer.params()]", 4)
    p.gap(2)


def _loop(p: Program, s: Spec, extra: str, rnd: random.Random) -> None:
    v = s.names
    p.block(task(s))
    accumulate = any(getattr(e, "text", "").strip() == "def clear(self):" for e in p.entries)
    stack: list[str] = []
    for k, (a, b) in enumerate(zip(s.sizes, s.sizes[1:], strict=False)):
        stack.append(f"Dense({a}, {b})")
        if k < len(s.sizes) - 2:
            stack += [f"Norm({b})"] if extra == "norm" and k == 0 else []
            stack.append("Bend()")
            stack += ["Dropout()"] if extra == "dropout" and k == len(s.sizes) - 3 else []
    rate = s.rate if s.dtype == "float64" else f"np.float32({s.rate})"
    p.block(f"net = {v.net}([{', '.join(stack)}])")
    if s.optimiser == "momentum":
        p.block("speed = [np.zeros_like(q) for q, g in net.params()]")
    params = "[q for q, g in net.params()]"
    p.block(
        f"""
        for {v.epoch} in range(1, 101):
            {v.order} = rng.permutation(len({v.x}))
            {v.loss} = 0.0
            for k in range(0, len({v.order}), {s.batch}):
                {v.rows} = {v.order}[k:k + {s.batch}]
                #@ step {params}
                {v.out} = net.{v.forward}({v.x}[{v.rows}])
                value = {loss(s.head, v.out, f"{v.t}[{v.rows}]", f"len({v.rows})")}
                #@ loss value
                {v.loss} += value * len({v.rows}) / len({v.x})
        """
    )
    if accumulate:
        p.block(
            'for layer in net.layers:\n    if layer.params() and hasattr(layer, "clear"):\n        layer.clear()', 8
        )
        p.entries[-3].alternatives["gradient-not-reset:loop"] = "for layer in net.layers[:0]:"  # type: ignore[union-attr]
    p.block(f"net.{v.backward}({v.out}, {v.t}[{v.rows}])\n#@ grads [g for q, g in net.params()]", 8)
    if extra == "clip":
        p.block(
            """
            norm = np.sqrt(sum(float(np.sum(g ** 2)) for q, g in net.params()))
            shrink = min(1.0, 5.0 / (norm + 1e-12))
            """,
            8,
        )
    grad = "g * shrink" if extra == "clip" else "g"
    if s.optimiser == "momentum":
        p.block(
            f"""
            for (q, g), u in zip(net.params(), speed):
                u *= 0.9
                #~ optimizer-formula-wrong:forgets >> -
                #~ optimizer-formula-wrong:grows >> u *= 1.1
                u -= {rate} * {grad}
                q += u
                #~ update-ascends >> q -= u
                #~ update-not-applied >> q = q + u
            """,
            8,
        )
    else:
        p.block(
            f"""
            for q, g in net.params():
                q -= {rate} * {grad}
                #~ update-ascends >> q += {rate} * {grad}
                #~ update-not-applied >> q = q - {rate} * {grad}
            """,
            8,
        )
    p.block(f"#@ done {params}", 8)
    p.block(report(s, 20, v.loss), 4)
    if extra in ("norm", "dropout"):
        p.block("for layer in net.layers:\n    layer.learning = False")
    for part in ("", "_test"):
        p.block(
            f'print("{part.strip("_") or "train"}", round(float({metric(s, f"net.{v.forward}({v.x}{part})", v.t + part)}), 4))'
        )
