"""Style: an object for every neuron, which keeps its own weights, output and error; plain Python."""

from __future__ import annotations

from ..markup import Program
from ..pieces import report
from ..spec import Spec

OPTIONS: dict[str, tuple[str, ...]] = {
    "layout": ("rows",),
    "head": ("linear-mse", "sigmoid-bce", "sigmoid-mse"),
    "activation": ("sigmoid", "tanh"),
    "optimiser": ("sgd",),
    "depth": ("1", "2"),
    "penalty": ("0",),
    "batch": ("8", "16"),
    "scale": ("delta", "gradient"),
}


def write(s: Spec) -> Program:
    """The program of a specification; `scale` "gradient" means sums over a mini-batch, "delta" a step after every sample."""
    p = Program()
    summed = s.scale == "gradient"
    threshold = s.seed % 3 == 0
    p.block("from math import exp, log, sin, tanh\nfrom random import Random")
    p.gap()
    p.block(f"chance = Random({s.seed})")
    p.gap(2)
    _neuron(p, s, summed, threshold)
    _network(p, s, summed)
    _main(p, s, summed)
    return p


def _neuron(p: Program, s: Spec, summed: bool, threshold: bool) -> None:
    v = s.names
    bend = "tanh(v)" if s.activation == "tanh" else "1 / (1 + exp(-v))"
    final = "v" if s.regression else "1 / (1 + exp(-v))"
    slope = "1 - self.out ** 2" if s.activation == "tanh" else "self.out * (1 - self.out)"
    wrong = "self.out * (1 - self.out)" if s.activation == "tanh" else "1 - self.out ** 2"
    sign, step = ("-", "+") if threshold else ("+", "-")
    p.block(
        f"""
        class Neuron:
            def __init__(self, n, last):
                self.{v.w} = [chance.gauss(0, {2.0 if s.activation == "sigmoid" else 1.2} / n ** 0.5) for _ in range(n)]
                self.{v.b} = chance.uniform(-0.5, 0.5)
                self.last = last
                self.{v.d} = 0.0
        """
    )
    if summed:
        p.block(f"self.{v.g}w, self.{v.g}b = [0.0] * n, 0.0", 8)
    p.gap()
    p.block(
        f"""
        def fire(self, x):
            self.x = x
            v = sum(a * b for a, b in zip(self.{v.w}, x)) {sign} self.{v.b}
            self.out = ({final}) if self.last else ({bend})
            return self.out

        def {v.slope}(self):
            return {slope}
            #~ activation-derivative-missing >> return 1.0
            #~ activation-derivative-wrong >> return {wrong}
        """,
        4,
    )
    p.gap()
    if summed:
        p.block(
            f"""
            def collect(self):
                for i, x in enumerate(self.x):
                    self.{v.g}w[i] += self.{v.d} * x
                    #~ gradient-overwritten >> self.{v.g}w[i] = self.{v.d} * x
                    #~ gradient-operand-wrong:out >> self.{v.g}w[i] += self.{v.d} * self.out
                self.{v.g}b {sign}= self.{v.d}
                #~ bias-gradient-wrong:sign >> self.{v.g}b {step}= self.{v.d}
                #~ bias-gradient-wrong:last >> self.{v.g}b = {sign}self.{v.d}

            def {v.update}(self, {v.rate}):
                for i in range(len(self.{v.w})):
                    self.{v.w}[i] -= {v.rate} * self.{v.g}w[i]
                    #~ update-ascends >> self.{v.w}[i] += {v.rate} * self.{v.g}w[i]
                    self.{v.g}w[i] = 0.0
                    #~ gradient-not-reset >> -
                self.{v.b} -= {v.rate} * self.{v.g}b
                #~ update-ascends >> self.{v.b} += {v.rate} * self.{v.g}b
                self.{v.g}b = 0.0
                #~ gradient-not-reset >> -
            """,
            4,
        )
    else:
        p.block(
            f"""
            def {v.update}(self, {v.rate}):
                for i, x in enumerate(self.x):
                    self.{v.w}[i] -= {v.rate} * self.{v.d} * x
                    #~ update-ascends >> self.{v.w}[i] += {v.rate} * self.{v.d} * x
                    #~ gradient-operand-wrong:weight >> self.{v.w}[i] -= {v.rate} * self.{v.d} * self.{v.w}[i]
                    #~ gradient-operand-wrong:out >> self.{v.w}[i] -= {v.rate} * self.{v.d} * self.out
                self.{v.b} {step}= {v.rate} * self.{v.d}
                #~ update-ascends >> self.{v.b} {sign}= {v.rate} * self.{v.d}
                #~ bias-gradient-wrong:sign >> self.{v.b} {sign}= {v.rate} * self.{v.d}
                #~ bias-gradient-wrong:missing >> pass
            """,
            4,
        )
    p.gap(2)


def _network(p: Program, s: Spec, summed: bool) -> None:
    v = s.names
    delta = "n.out - g"
    if s.head == "sigmoid-mse":
        delta = "(n.out - g) * n.out * (1 - n.out)"
    squared = delta.replace("(n.out - g)", "n.out - g").replace("n.out - g", "(n.out - g) ** 2")
    below = "self.layers[k + 1]"
    p.block(
        f"""
        class {v.net}:
            def __init__(self, sizes):
                self.layers = []
                for a, b in zip(sizes, sizes[1:]):
                    self.layers.append([Neuron(a, len(self.layers) == len(sizes) - 2) for _ in range(b)])

            def {v.forward}(self, x):
                for layer in self.layers:
                    x = [n.fire(x) for n in layer]
                return x

            def {v.backward}(self, goal):
                for n, g in zip(self.layers[-1], goal):
                    n.{v.d} = {delta}
                    #~ output-delta-wrong:sign >> n.{v.d} = {delta.replace("n.out - g", "g - n.out")}
                    #~ output-delta-wrong:square >> n.{v.d} = {squared}
                for k in range(len(self.layers) - 2, -1, -1):
                    for j, n in enumerate(self.layers[k]):
                        s = sum(m.{v.d} * m.{v.w}[j] for m in {below})
                        #~ backprop-weights-wrong:own >> s = sum(m.{v.d} * n.{v.w}[0] for m in {below})
                        #~ wrong-variable:out >> s = sum(m.out * m.{v.w}[j] for m in {below})
                        #~ gradient-overwritten:units >> s = {below}[-1].{v.d} * {below}[-1].{v.w}[j]
                        n.{v.d} = s * n.{v.slope}()
                        #~ wrong-variable:slope >> n.{v.d} = s * {below}[0].{v.slope}()
        """
    )
    if summed:
        p.block("for layer in self.layers:\n    for n in layer:\n        n.collect()", 8)
    else:
        early = f"for m in {below}: ;;     m.{v.update}(self.early)"
        p.last("for j, n in enumerate").alternatives["updated-too-early"] = (
            early + " ;; for j, n in enumerate(self.layers[k]):"
        )
    p.gap(2)


def _main(p: Program, s: Spec, summed: bool) -> None:
    v = s.names
    goal = "[1.0 if sum(u * u for u in x) < 0.6 else 0.0]"
    if s.regression:
        goal = "[sin(2 * sum(x))]" if s.sizes[-1] == 1 else "[sin(2 * sum(x)), x[0] * x[-1]]"
    value = "0.5 * sum((o - g) ** 2 for o, g in zip(said, goal))"
    if s.head == "sigmoid-bce":
        value = "-sum(g * log(o + 1e-12) + (1 - g) * log(1 - o + 1e-12) for o, g in zip(said, goal))"
    sizes = [s.sizes[0], *(min(h, 8 if len(s.hidden) == 1 else 6) for h in s.hidden), s.sizes[-1]]
    rate = {"linear-mse": 0.1, "sigmoid-bce": 0.3, "sigmoid-mse": 0.8}[s.head] * (
        1.0 if s.activation == "tanh" else 2.0
    )
    params = f"[c for layer in net.layers for n in layer for c in (n.{v.w}, (n, '{v.b}'))]"
    p.block(
        f"""
        def points(count):
            found = []
            for _ in range(count):
                x = [chance.uniform(-1, 1) for _ in range({s.sizes[0]})]
                found.append((x, {goal}))
            return found


        net = {v.net}({sizes})
        """
    )
    if not summed:
        p.block(f"{v.rate} = {round(rate, 4)}")
        p.last(f"{v.rate} =").alternatives["updated-too-early"] = f"{v.rate} = net.early = {round(rate, 4)}"
    p.block(
        f"seen, unseen = points(160), points(80)\nfor {v.epoch} in range(60):\n    chance.shuffle(seen)\n    {v.loss} = 0.0"
    )
    if summed:
        p.block(
            f"""
            for start in range(0, 160, {s.batch}):
                chunk = seen[start:start + {s.batch}]
                part = 0.0
                #@ step {params}
                for x, goal in chunk:
                #~ samples-dropped:first >> for x, goal in chunk[1:]:
                    said = net.{v.forward}(x)
                    part += {value}
                    net.{v.backward}(goal)
                #@ loss part
                for layer in net.layers:
                #~ layer-not-trained:first >> for layer in net.layers[1:]:
                    for n in layer:
                        n.{v.update}({round(rate * 3, 4)} / len(chunk))
                #@ done {params}
                {v.loss} += part / 160
            """,
            4,
        )
    else:
        p.block(
            f"""
            for x, goal in seen:
                #@ step {params}
                said = net.{v.forward}(x)
                value = {value}
                #@ loss value
                {v.loss} += value / 160
                net.{v.backward}(goal)
                for layer in net.layers:
                #~ layer-not-trained:first >> for layer in net.layers[1:]:
                #~ updated-too-early >> for layer in net.layers[:1]:
                    for n in layer:
                        n.{v.update}({v.rate})
                #@ done {params}
            """,
            4,
        )
    p.block(report(s, 12, v.loss), 4)
    for name in ("seen", "unseen"):
        if s.regression:
            p.block(
                f"""
                rest = sum((o - g) ** 2 for x, goal in {name} for o, g in zip(net.{v.forward}(x), goal))
                mean = sum(g for x, goal in {name} for g in goal) / sum(len(goal) for x, goal in {name})
                print("{name}", round(1 - rest / sum((g - mean) ** 2 for x, goal in {name} for g in goal), 4))
                """
            )
        else:
            p.block(
                f'print("{name}", sum((net.{v.forward}(x)[0] > 0.5) == (goal[0] > 0.5) for x, goal in {name}) / len({name}))'
            )
