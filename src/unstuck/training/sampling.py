"""Text from a network that was trained to tell the next character."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from unstuck.data.text import encode
from unstuck.errors import InputError
from unstuck.nn.checks import number, whole_number
from unstuck.nn.network import Network
from unstuck.nn.step_by_step import StepByStep


def sample(
    network: Network, prompt: str = "", *, length: int = 500, temperature: float = 1.0, seed: int = 0
) -> Iterator[str]:
    """``length`` characters that go on from ``prompt``, one after the other.

    Each is drawn by the probabilities that the network gives, which are sharpened (``temperature`` below 1) or levelled (above);
    0 takes the likeliest each time. The network's states go on from character to character. The same seed gives the same text.
    InputError for a network that was not trained on a text, for settings out of range, and for characters that its text did
    not have.
    """
    characters = network.class_names
    if characters is None or getattr(network.preprocessing, "how", "") != "characters":
        raise InputError(
            f"the model was not trained on a text ({network.describe()}); expected one from "
            "unstuck train FILE --network char-lstm."
        )
    length = whole_number("length", length)
    temperature = number("temperature", temperature, least=0)
    rng = np.random.default_rng(whole_number("seed", seed, 0))
    # Without a prompt a text begins as after an empty line.
    start = encode(prompt or ("\n" if "\n" in characters else characters[0]), characters, "prompt")
    return _drawn(StepByStep(network), start.tolist(), characters, length, temperature, rng)


def _drawn(
    step: StepByStep,
    start: list[int],
    characters: tuple[str, ...],
    length: int,
    temperature: float,
    rng: np.random.Generator,
) -> Iterator[str]:
    for token in start:
        logits = step(token)
    for drawn in range(length):
        if temperature == 0:
            token = int(logits.argmax())
        else:
            scaled = (logits.astype(np.float64) - logits.max()) / temperature
            chances = np.exp(scaled)
            token = int(rng.choice(len(chances), p=chances / chances.sum()))
        yield characters[token]
        if drawn + 1 < length:
            logits = step(token)
