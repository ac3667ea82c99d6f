"""Style: one sample at a time as a column vector, lists of sums over the mini-batch, then one step (after Nielsen's book)."""

from __future__ import annotations

from ..markup import Program
from ..pieces import (
    activation,
    loss,
    metric,
    normal,
    output_delta,
    output_delta_faults,
    slope_from_output,
    task,
    wrong_slope,
)
from ..spec import Spec

OPTIONS: dict[str, tuple[str, ...]] = {
    "layout": ("rows",),
    "optimiser": ("sgd",),
    "penalty": ("0", "0", "0.001"),
    "batch": ("8", "10", "16"),
    "head": ("linear-mse", "sigmoid-bce", "sigmoid-mse", "softmax-ce", "softmax-mse"),
}


def write(s: Spec) -> Program:
    """The program of a specification."""
    v, p = s.names, Program()
    if s.classes:
        final = "softmax({z})"
    else:
        final = "{z}" if s.regression else "1 / (1 + np.exp(-{z}))"
    p.block("import numpy as np")
    p.gap(2)
    if s.classes:
        p.block("def softmax(s):\n    e = np.exp(s - s.max())\n    return e / e.sum()")
        p.gap(2)
    p.block(
        f"""
        class {v.net}:
            def __init__(self, sizes):
                self.L = len(sizes)
                self.{v.b} = [np.zeros((b, 1)) for b in sizes[1:]]
                self.{v.w} = [{normal(s, "a", "(b, a)")} for a, b in zip(sizes[:-1], sizes[1:])]

            def {v.forward}(self, {v.a}):
                for b, w in zip(self.{v.b}[:-1], self.{v.w}[:-1]):
                    {v.a} = {v.act}(w @ {v.a} + b)
                {v.z} = self.{v.w}[-1] @ {v.a} + self.{v.b}[-1]
                return {final.format(z=v.z)}

        """
    )
    p.gap()
    _backprop(p, s, final)
    p.gap()
    _step(p, s)
    p.gap(2)
    p.block(
        f"""
        def {v.act}(v):
            return {activation(s.activation, "v")}


        def {v.slope}(v):
            return {slope_from_output(s.activation, "v")}
            #~ activation-derivative-wrong:definition >> return {wrong_slope(s.activation, "v")}
        """
    )
    p.gap(2)
    p.block(task(s))
    p.block(
        f"""
        pairs = [(x.reshape(-1, 1), y.reshape(-1, 1)) for x, y in zip({v.x}, {v.t})]
        net = {v.net}({list(s.sizes)})
        for {v.epoch} in range(40):
            {v.order} = rng.permutation(len(pairs))
            {v.loss} = 0.0
            for k in range(0, len(pairs), {s.batch}):
                chunk = [pairs[i] for i in {v.order}[k:k + {s.batch}]]
                {v.loss} += net.{v.update}(chunk, {s.rate}) * {s.batch} / len(pairs)
            if {v.epoch} % 8 == 7:
                print("{v.epoch}", {v.epoch} + 1, "{v.loss}", round(float({v.loss}), 5))
        """
    )
    for part in ("", "_test"):
        p.block(f"answers = np.array([net.{v.forward}(x.reshape(-1, 1)).ravel() for x in {v.x}{part}])")
        p.block(f'print("{part.strip("_") or "train"}", round(float({metric(s, "answers", v.t + part)}), 4))')
    return p


def _backprop(p: Program, s: Spec, final: str) -> None:
    v = s.names
    p.block(
        f"""
        def {v.backward}(self, x, y):
            {v.a}_all, {v.z}_all = [x], []
            for b, w in zip(self.{v.b}, self.{v.w}):
                {v.z}_all.append(w @ {v.a}_all[-1] + b)
                {v.a}_all.append({v.act}({v.z}_all[-1]))
            {v.out} = {final.format(z=v.z + "_all[-1]")}
            value = {loss(s.head, v.out, "y", "1").removesuffix(" / 1")}
            nabla_b = [np.zeros(b.shape) for b in self.{v.b}]
            nabla_w = [np.zeros(w.shape) for w in self.{v.w}]
            {v.d} = {output_delta(s.head, v.out, "y", 0)}
        """,
        4,
    )
    p.alternatives({k: f"{v.d} = {text}" for k, text in output_delta_faults(s.head, v.out, "y", 0).items()})
    d, a = v.d, f"{v.a}_all"
    back, slope = f"(self.{v.w}[-l + 1].T @ {d})", f"{v.slope}({a}[-l])"
    p.block(
        f"""
        nabla_b[-1] = {d}
        nabla_w[-1] = {d} @ {a}[-2].T
        #~ gradient-operand-wrong:pre >> nabla_w[-1] = {d} @ {v.z}_all[-2].T
        for l in range(2, self.L):
            {d} = {back} * {slope}
            #~ activation-derivative-missing >> {d} = {back}
            #~ activation-derivative-misplaced >> {d} = {back} * {v.slope}({v.z}_all[-l])
            #~ backprop-weights-wrong:gradient >> {d} = (nabla_w[-l + 1].T @ {d}) * {slope}
            #~ backprop-weights-wrong:untransposed >> {d} = (self.{v.w}[-l + 1] @ {d}) * {slope}
            #~ wrong-variable:slope >> {d} = {back} * {v.slope}({a}[-l - 1])
            nabla_b[-l] = {d}
            #~ bias-gradient-wrong:product >> nabla_b[-l] = {d} * {a}[-l]
            #~ layer-not-trained:hidden >> -
            nabla_w[-l] = {d} @ {a}[-l - 1].T
            #~ gradient-operand-wrong:own >> nabla_w[-l] = {d} @ {a}[-l].T
            #~ layer-not-trained:hidden >> -
        return nabla_b, nabla_w, value
        """,
        8,
    )


def _step(p: Program, s: Spec) -> None:
    v = s.names
    shrink = f"(1 - {v.rate} * {s.penalty}) * " if s.penalty else ""
    wrong_sign = f"(1 + {v.rate} * {s.penalty}) * " if s.penalty else ""
    pen = f" + 0.5 * {s.penalty} * sum(np.sum(w ** 2) for w in self.{v.w})" if s.penalty else ""
    new_w = f"w - ({v.rate} / len(chunk)) * nw for w, nw in zip(self.{v.w}, nabla_w)]"
    new_b = f"b - ({v.rate} / len(chunk)) * nb for b, nb in zip(self.{v.b}, nabla_b)]"
    reset = f"[np.zeros(w.shape) for w in self.{v.w}]"
    p.block(
        f"""
        def {v.update}(self, chunk, {v.rate}):
            #@ step self.{v.w} + self.{v.b}
            nabla_b = [np.zeros(b.shape) for b in self.{v.b}]
            #~ gradient-not-reset >> self.sum_b = nabla_b = getattr(self, "sum_b", [np.zeros(b.shape) for b in self.{v.b}])
            nabla_w = {reset}
            #~ gradient-not-reset >> self.sum_w = nabla_w = getattr(self, "sum_w", {reset})
            total = 0.0
            for x, y in chunk:
            #~ samples-dropped:one >> for x, y in chunk[:-1]:
                delta_b, delta_w, value = self.{v.backward}(x, y)
                total += value / len(chunk)
                nabla_b = [nb + db for nb, db in zip(nabla_b, delta_b)]
                #~ gradient-overwritten >> nabla_b = delta_b
                #~ gradient-not-reset >> self.sum_b = nabla_b = [nb + db for nb, db in zip(nabla_b, delta_b)]
                nabla_w = [nw + dw for nw, dw in zip(nabla_w, delta_w)]
                #~ gradient-overwritten >> nabla_w = delta_w
                #~ gradient-not-reset >> self.sum_w = nabla_w = [nw + dw for nw, dw in zip(nabla_w, delta_w)]
            #@ loss total{pen}
            self.{v.w} = [{shrink}{new_w}
            #~ update-ascends >> self.{v.w} = [{shrink}{new_w.replace("w - (", "w + (")}
            #~ update-not-applied >> new_w = [{shrink}{new_w}
            self.{v.b} = [{new_b}
            #~ update-ascends >> self.{v.b} = [{new_b.replace("b - (", "b + (")}
            #~ update-not-applied >> new_b = [{new_b}
            #~ bias-gradient-wrong:scale >> self.{v.b} = [{new_b.replace("b - (", "b - len(chunk) * (")}
            #@ done self.{v.w} + self.{v.b}
            return total{pen}
        """,
        4,
    )
    if s.penalty:
        line = p.last(f"self.{v.w} = [{shrink}")
        line.alternatives["penalty-gradient-wrong:sign"] = f"self.{v.w} = [{wrong_sign}{new_w}"
        line.alternatives["penalty-gradient-wrong:missing"] = f"self.{v.w} = [{new_w}"
