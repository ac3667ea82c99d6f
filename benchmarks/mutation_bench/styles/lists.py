"""Style: a class with lists of weights and biases, loops over the layers, one method each way."""

from __future__ import annotations

from ..markup import Program
from ..pieces import (
    Algebra,
    activation,
    loss,
    metric,
    normal,
    output,
    output_delta,
    output_delta_faults,
    slope_from_output,
    softmax,
    task,
    wrong_slope,
)
from ..spec import Spec

OPTIONS: dict[str, tuple[str, ...]] = {
    "scale": ("delta", "gradient"),
    "depth": ("1", "2", "3"),
    "batch": ("8", "16", "20"),
}
EPOCHS = 120


def write(s: Spec) -> Program:
    """The program of a specification."""
    v, alg, p = s.names, Algebra(s.columns), Program()
    axis = alg.class_axis
    p.block("import numpy as np")
    p.gap(2)
    if s.classes:
        p.block(softmax(axis))
        p.gap(2)
    _functions(p, s)
    p.block(f"class {v.net}:")
    _constructor(p, s)
    _forward(p, s)
    _backward(p, s)
    _update(p, s)
    _train(p, s)
    p.gap(2)
    p.block(task(s))
    p.block(
        f"""
        net = {v.net}({list(s.sizes)}, {s.rate})
        net.{v.train}({v.x}, {v.t}, {EPOCHS}, {s.batch})
        print("train", round(float({metric(s, f"net.{v.forward}({v.x})", v.t)}), 4))
        print("test", round(float({metric(s, f"net.{v.forward}({v.x}_test)", f"{v.t}_test")}), 4))
        """
    )
    return p


def _functions(p: Program, s: Spec) -> None:
    v = s.names
    text = slope_from_output(s.activation, "v")
    p.block(
        f"""
        def {v.act}(v):
            return {activation(s.activation, "v")}


        def {v.slope}(v):
            return {text}
            #~ activation-derivative-wrong:definition >> return {wrong_slope(s.activation, "v")}
        """
    )
    p.gap(2)


def _constructor(p: Program, s: Spec) -> None:
    v = s.names
    shape, bias = ("(b, a)", "(b, 1)") if s.columns else ("(a, b)", "(1, b)")
    inner, last = (f"np.zeros({bias.replace('b', size)})" for size in ("sizes[1]", "sizes[-1]"))
    p.block(
        f"""
        def __init__(self, sizes, {v.rate}):
            self.{v.rate} = {v.rate}
            self.{v.w} = [{normal(s, "a", shape)} for a, b in zip(sizes, sizes[1:])]
            self.{v.b} = [np.zeros({bias}) for b in sizes[1:]]
            #~ weights-aliased:biases >> self.{v.b} = [{inner}] * (len(sizes) - 2) + [{last}]
        """,
        4,
    )
    if s.optimiser == "momentum":
        p.block(
            f"""
            self.v_{v.w} = [np.zeros_like(w) for w in self.{v.w}]
            self.v_{v.b} = [np.zeros_like(b) for b in self.{v.b}]
            """,
            8,
        )
    p.gap()


def _forward(p: Program, s: Spec) -> None:
    v, alg = s.names, Algebra(s.columns)
    p.block(
        f"""
        def {v.forward}(self, x):
            self.{v.z} = []
            self.{v.a} = [x]
            for k in range(len(self.{v.w})):
                {v.z} = {alg.affine(f"self.{v.a}[k]", f"self.{v.w}[k]", f"self.{v.b}[k]")}
                self.{v.z}.append({v.z})
                if k < len(self.{v.w}) - 1:
                    self.{v.a}.append({v.act}({v.z}))
                else:
                    self.{v.a}.append({output(s.head, v.z, alg.class_axis)})
            return self.{v.a}[-1]
        """,
        4,
    )
    p.gap()


def _backward(p: Program, s: Spec) -> None:
    v, alg = s.names, Algebra(s.columns)
    axis, scale = alg.class_axis, " / m" if s.scale == "delta" else ""
    tail = " / m" if s.scale == "gradient" else ""
    p.block(
        f"""
        def {v.backward}(self, goal):
            m = {alg.count("goal")}
            {v.out} = self.{v.a}[-1]
            {v.g}w = [None] * len(self.{v.w})
            {v.g}b = [None] * len(self.{v.b})
            {v.d} = {output_delta(s.head, v.out, "goal", axis)}{scale}
        """,
        4,
    )
    p.alternatives(
        {k: f"{v.d} = {text}{scale}" for k, text in output_delta_faults(s.head, v.out, "goal", axis).items()}
    )
    below, w, d = f"self.{v.a}[k]", f"self.{v.w}[k]", v.d
    back = alg.back(d, w) if not s.columns else f"({alg.back(d, w)})"
    penalty = f" + {s.penalty} * self.{v.w}[k]" if s.penalty else ""
    pre = f"(self.{v.z}[k - 1] if k else self.{v.a}[0])"
    stem = f"{v.g}w[k] = {alg.grad_w(below, d)}{tail}"
    faults = (
        f"""#~ penalty-gradient-wrong:sign >> {stem} - {s.penalty} * self.{v.w}[k]
            #~ penalty-gradient-wrong:missing >> {stem}
            #~ penalty-gradient-wrong:scale >> {stem} + {s.penalty} * self.{v.w}[k] * m"""
        if s.penalty
        else f"#~ gradient-scale-wrong:first >> {stem} * (2.0 if k == 0 else 1.0)"
    )
    p.block(
        f"""
        for k in range(len(self.{v.w}) - 1, -1, -1):
            {v.g}w[k] = {alg.grad_w(below, d)}{tail}{penalty}
            #~ samples-dropped:last >> {v.g}w[k] = {alg.without_last(below, d)}{tail}{penalty}
            #~ product-or-axis-wrong:swapped >> {v.g}w[k] = {alg.swapped(below, d)}{tail}{penalty}
            #~ gradient-operand-wrong:input >> {v.g}w[k] = {alg.grad_w(f"self.{v.a}[max(k - 1, 0)]", d)}{tail}{penalty}
            #~ gradient-operand-wrong:pre >> {v.g}w[k] = {alg.grad_w(pre, d)}{tail}{penalty}
            {faults}
            {v.g}b[k] = {alg.grad_b(d)}{tail}
            #~ bias-gradient-wrong:first >> {v.g}b[k] = {alg.first(d)}{tail}
            #~ product-or-axis-wrong:bias >> {v.g}b[k] = {alg.other_axis(d)}{tail}
            if k > 0:
                {d} = {back} * {v.slope}(self.{v.a}[k])
                #~ activation-derivative-missing >> {d} = {alg.back(d, w)}
                #~ activation-derivative-misplaced:z >> {d} = {back} * {v.slope}(self.{v.z}[k - 1])
                #~ backprop-weights-wrong:gradient >> {d} = {back.replace(w, f"{v.g}w[k]")} * {v.slope}(self.{v.a}[k])
                #~ backprop-weights-wrong:untransposed >> {d} = ({alg.back_untransposed(d, w)}) * {v.slope}(self.{v.a}[k])
                #~ backprop-weights-wrong:below >> {d} = {back.replace("[k]", "[k - 1]")} * {v.slope}(self.{v.a}[k])
                #~ wrong-variable:slope >> {d} = {back} * {v.slope}(self.{v.a}[k - 1])
        """,
        8,
    )
    if s.optimiser == "sgd":
        early = f"self.{v.w}[k] -= self.{v.rate} * {v.g}w[k]"
        p.alternatives({"updated-too-early": f"{early} ;; {d} = {back} * {v.slope}(self.{v.a}[k])"})
    p.block(f"return {v.g}w, {v.g}b", 8)
    p.gap()


def _update(p: Program, s: Spec) -> None:
    v = s.names
    p.block(
        f"""
        def {v.update}(self, {v.g}w, {v.g}b):
            for k in range(len(self.{v.w})):
            #~ layer-not-trained >> for k in range(1, len(self.{v.w})):
        """,
        4,
    )
    for name, grad in ((v.w, f"{v.g}w"), (v.b, f"{v.g}b")):
        if s.optimiser == "momentum":
            p.block(
                f"""
                self.v_{name}[k] = 0.9 * self.v_{name}[k] - self.{v.rate} * {grad}[k]
                #~ optimizer-formula-wrong:forgets >> self.v_{name}[k] = self.v_{name}[k] - self.{v.rate} * {grad}[k]
                #~ optimizer-formula-wrong:plus >> self.v_{name}[k] = -0.9 * self.v_{name}[k] - self.{v.rate} * {grad}[k]
                self.{name}[k] = self.{name}[k] + self.v_{name}[k]
                #~ update-ascends >> self.{name}[k] = self.{name}[k] - self.v_{name}[k]
                #~ update-not-applied >> {name} = self.{name}[k] + self.v_{name}[k]
                """,
                12,
            )
        else:
            p.block(
                f"""
                self.{name}[k] -= self.{v.rate} * {grad}[k]
                #~ update-ascends >> self.{name}[k] += self.{v.rate} * {grad}[k]
                #~ update-not-applied >> {name} = self.{name}[k] - self.{v.rate} * {grad}[k]
                """,
                12,
            )
        if s.optimiser == "sgd" and name == v.w:
            p.alternatives({"updated-too-early": f"if k == 0: ;;     self.{name}[k] -= self.{v.rate} * {grad}[k]"})
        elif s.optimiser == "sgd":
            p.alternatives({"bias-gradient-wrong:unused": "-"})
    p.gap()


def _train(p: Program, s: Spec) -> None:
    v, alg = s.names, Algebra(s.columns)
    cut = f"[:, {v.rows}]" if s.columns else f"[{v.rows}]"
    penalty = f" + 0.5 * {s.penalty} * sum(np.sum(w ** 2) for w in self.{v.w})" if s.penalty else ""
    many = alg.count(v.x)
    p.block(
        f"""
        def {v.train}(self, {v.x}, {v.t}, {v.epochs}, {v.batch}):
            for {v.epoch} in range({v.epochs}):
                {v.order} = rng.permutation({many})
                {v.loss} = 0.0
                for start in range(0, {many}, {v.batch}):
                    {v.rows} = {v.order}[start:start + {v.batch}]
                    goal = {v.t}{cut}
                    #@ step self.{v.w} + self.{v.b}
                    {v.out} = self.{v.forward}({v.x}{cut})
                    value = {loss(s.head, v.out, "goal", f"len({v.rows})")}{penalty}
                    #@ loss value
                    {v.loss} += value * len({v.rows}) / {many}
                    {v.g}w, {v.g}b = self.{v.backward}(goal)
                    #@ grads {v.g}w + {v.g}b
                    self.{v.update}({v.g}w, {v.g}b)
                    #@ done self.{v.w} + self.{v.b}
                if {v.epoch} % 24 == 23:
                    print("{v.epoch}", {v.epoch} + 1, "{v.loss}", round(float({v.loss}), 5))
        """,
        4,
    )
