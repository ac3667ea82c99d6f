"""Attention and Embedding beside PyTorch's and central differences; masks, what cannot be seen, unknown tokens."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import unstuck as us
from unstuck import nn
from unstuck.autodiff import Graph, gradients
from unstuck.engines.reference import ReferenceEngine
from unstuck.errors import InputError

R = np.random.default_rng(11)


def recorded(layers: list[nn.Layer], x: np.ndarray) -> tuple[Any, nn.Network, np.ndarray]:
    network = nn.Network(*layers, input_shape=x.shape[1:], dtype="float64", seed=2)
    graph = Graph()
    node = graph.input("x", x.shape, np.float64)
    parameters = {k: graph.input(k, p.shape, np.float64) for k, p in network.parameters.items()}
    output = network.forward(node, parameters, nn.Context(training=True))
    direction = np.random.default_rng(9).normal(size=output.shape)
    total = np.sum(output * direction)
    graph.outputs = [output, total, *gradients(total, [node, *parameters.values()])]
    return ReferenceEngine().compile(graph), network, direction


ATTENTIONS = [
    (nn.SelfAttention(), (4, 3)),
    (nn.SelfAttention(2, width=4, bias_init=nn.Normal(1.0)), (3, 3)),
    (nn.SelfAttention(2, causal=True), (4, 2)),
    (nn.SelfAttention(), (1, 1)),
]


@pytest.mark.parametrize(("layer", "shape"), ATTENTIONS, ids=str)
def test_the_gradient_of_attention_is_that_of_central_differences(
    layer: nn.Layer, shape: tuple[int, ...], central_differences: Any
) -> None:
    x = R.normal(size=(2, *shape))
    program, network, _ = recorded([layer], x)
    arrays = [x, *network.parameters.values()]
    for found, numeric in zip(program(*arrays)[2:], central_differences(program, arrays), strict=True):
        np.testing.assert_allclose(found, numeric, rtol=1e-6, atol=1e-8)


@pytest.mark.extra
@pytest.mark.parametrize("padded", [False, True])
@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("heads", [1, 2, 4])
def test_attention_agrees_with_pytorch(heads: int, causal: bool, padded: bool) -> None:
    torch = pytest.importorskip("torch")
    x = R.normal(size=(3, 5, 8))
    if padded:
        x[0, 3:] = 0
        x[1, 1:] = 0
    layers = [*([nn.Masking()] if padded else []), nn.SelfAttention(heads, causal=causal, bias_init=nn.Normal(0.5))]
    program, network, direction = recorded(layers, x)
    output, _, by_x, *found = program(x, *network.parameters.values())
    twin = torch.nn.MultiheadAttention(8, heads, batch_first=True).double()
    weights = [torch.tensor(p) for p in network.parameters.values()]
    with torch.no_grad():
        for theirs, ours in zip(
            (twin.in_proj_weight, twin.in_proj_bias, twin.out_proj.weight, twin.out_proj.bias), weights, strict=True
        ):
            theirs.copy_(ours.T if ours.ndim == 2 else ours)
    tensor = torch.tensor(x, requires_grad=True)
    hidden = torch.tensor((x == 0).all(-1)) if padded else None
    later = torch.ones(5, 5, dtype=torch.bool).triu(1) if causal else None
    expected, _ = twin(tensor, tensor, tensor, key_padding_mask=hidden, attn_mask=later, need_weights=False)
    np.testing.assert_allclose(output, expected.detach().numpy(), rtol=1e-9, atol=1e-11)
    (expected * torch.tensor(direction)).sum().backward()
    np.testing.assert_allclose(by_x, tensor.grad.numpy(), rtol=1e-8, atol=1e-10)
    theirs = (twin.in_proj_weight, twin.in_proj_bias, twin.out_proj.weight, twin.out_proj.bias)
    for ours, parameter in zip(found, theirs, strict=True):
        right = parameter.grad.numpy()
        np.testing.assert_allclose(ours, right.T if right.ndim == 2 else right, rtol=1e-8, atol=1e-10)


def test_a_causal_step_does_not_see_what_comes_later() -> None:
    network = nn.Network(nn.SelfAttention(2, causal=True), input_shape=(5, 4), dtype="float64")
    x = R.normal(size=(1, 5, 4))
    changed = x.copy()
    changed[:, 3:] = R.normal(size=(1, 2, 4))
    assert np.array_equal(network.outputs(x)[:, :3], network.outputs(changed)[:, :3])
    assert not np.allclose(network.outputs(x)[:, 3:], network.outputs(changed)[:, 3:])


def test_who_may_look_at_nothing_gets_zeros_and_a_finite_gradient() -> None:
    allowed = np.array([[False, False], [True, False]])

    def total(x: Any) -> Any:
        return np.sum(nn.scaled_dot_product(x, x, x, allowed)[0])

    x = R.normal(size=(2, 3))
    value, gradient = us.value_and_grad(total)(x)
    assert value == 0
    assert not gradient.any()


TOKENS = np.array([[1, 4, 4, 0], [2, 0, 3, 1]])


@pytest.mark.extra
def test_embedding_agrees_with_pytorch_also_for_tokens_that_come_twice() -> None:
    torch = pytest.importorskip("torch")
    program, network, direction = recorded([nn.Embedding(5, 3)], TOKENS)
    (weight,) = network.parameters.values()
    output, _, _, found = program(TOKENS.astype(np.float64), weight)
    tensor = torch.tensor(weight, requires_grad=True)
    theirs = torch.nn.functional.embedding(torch.tensor(TOKENS), tensor)
    assert np.array_equal(output, theirs.detach().numpy())
    (theirs * torch.tensor(direction)).sum().backward()
    np.testing.assert_allclose(found, tensor.grad.numpy(), rtol=1e-12, atol=1e-14)


def test_padding_tokens_make_sequences_shorter() -> None:
    long = nn.Network(nn.Embedding(6, 3, padding=5), nn.LSTM(4), input_shape=6, dtype="float64", seed=1)
    short = nn.Network(nn.Embedding(6, 3), nn.LSTM(4), input_shape=4, dtype="float64", seed=1)
    short.parameters.update(long.parameters)
    padded = np.concatenate([TOKENS, np.full((2, 2), 5)], axis=1)
    np.testing.assert_allclose(long.outputs(padded), short.outputs(TOKENS), rtol=1e-13)


@pytest.mark.parametrize(
    "layers",
    [[nn.Embedding(5, 4, padding=0), nn.SelfAttention(2, causal=True), nn.LayerNorm()], [nn.Embedding(5, 2)]],
    ids=["attention", "embedding"],
)
def test_saved_and_loaded_predicts_the_same_bits(layers: list[nn.Layer], tmp_path: Path) -> None:
    network = nn.Network(*layers, input_shape=4, seed=1)
    again = us.load(us.save(network, tmp_path / "model.safetensors"))
    assert np.array_equal(again.outputs(TOKENS), network.outputs(TOKENS))
    assert again.layers == network.layers


@pytest.mark.parametrize("engine", ["reference", "cpu"])
def test_a_network_with_attention_learns_which_token_comes_first(engine: str) -> None:
    tokens = np.random.default_rng(0).integers(0, 5, (160, 4))
    network = nn.Network(nn.Embedding(5, 8), nn.SelfAttention(2), nn.Flatten(), nn.Dense(5))
    run = us.fit(
        network,
        (tokens, tokens[:, 0]),
        epochs=40,
        optimizer=us.Adam(0.02),
        preprocessing="none",
        batch_size=40,
        engine=engine,
    )
    assert run.evaluate((tokens, tokens[:, 0]))["accuracy"] > 0.9


@pytest.mark.parametrize("batch_size", [8, 32])
def test_embedding_takes_the_same_steps_on_both_engines_in_whole_batches(batch_size: int) -> None:
    tokens = np.random.default_rng(1).integers(0, 20, (64, 7))
    losses = [
        us.fit(
            nn.Network(nn.Embedding(20, 4), nn.Flatten(), nn.Dense(2)), (tokens, (tokens[:, 0] > 9).astype(int)), epochs=3,
            optimizer=us.SGD(0.1), preprocessing="none", batch_size=batch_size, engine=engine, loss="cross_entropy",
        ).history["loss"]
        for engine in ("reference", "cpu")
    ]  # fmt: skip
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-5)


MISTAKES: list[tuple[Any, str]] = [
    (
        lambda: nn.Network(nn.Embedding(5, 2), input_shape=3).outputs(np.array([[0, 1, 2], [3, 7, 0]])),
        "row 1 holds the token 7 at step 1; expected whole numbers from 0 to 4 (and preprocessing='none').",
    ),
    (
        lambda: nn.Network(nn.Embedding(5, 2, padding=0), input_shape=2).outputs(np.array([[1, 0], [0, 0]])),
        "row 1 holds nothing but padding (0); leave such rows out.",
    ),
    (lambda: nn.Embedding(5, 2, padding=5), "Embedding: padding is 5; expected a token below 5, or None."),
    (
        lambda: nn.Network(nn.SelfAttention(3), input_shape=(4, 4)),
        "layer selfattention1: SelfAttention(heads=3): a width of 4 does not fall into 3 equal heads.",
    ),
]


@pytest.mark.parametrize(("mistake", "sentence"), MISTAKES, ids=[m[1][:30] for m in MISTAKES])
def test_the_sentence_for_a_mistake(mistake: Any, sentence: str) -> None:
    with pytest.raises(InputError) as error:
        mistake()
    assert str(error.value) == sentence
