"""Models on disk: one safetensors file with the network, its preprocessing, class names and history."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from unstuck.data.named_preprocessing import preprocessing_from_dict
from unstuck.errors import InputError
from unstuck.files import write_whole
from unstuck.nn.checks import whole_number
from unstuck.nn.layers.base import Layer, layer_from_dict
from unstuck.nn.layers.function import Function
from unstuck.nn.layers.named import Inputs
from unstuck.nn.losses import Loss, loss_function
from unstuck.nn.network import Network
from unstuck.nn.sharing import every, restored
from unstuck.training.history import History
from unstuck.training.optimizers import Optimizer

FORMAT = 1
_PREPROCESSING = "preprocessing/"


def save(
    network: Network,
    path: str | Path,
    *,
    loss: Loss | None = None,
    history: History | None = None,
    optimizer: Optimizer | None = None,
    seed: int | None = None,
) -> Path:
    """Write ``network`` to ``path`` as one safetensors file; returns the path.

    The parameters are tensors of their own names; all else is JSON in the file's metadata. The file is written beside and
    renamed, so an existing one is either untouched or replaced whole. InputError when the place cannot be written.
    """
    from safetensors.numpy import save as to_bytes

    path = Path(path)
    loss = loss or network.loss
    _check_names(network, loss)
    tensors = {name: np.ascontiguousarray(p) for name, p in network.parameters.items()}
    description: dict[str, Any] = {
        "format": FORMAT,
        "network": network.to_dict(),
        "task": network.task,
        "class_names": _plain(network.class_names),
        "loss": loss.to_dict() if loss is not None else None,
        "optimizer": optimizer.to_dict() if optimizer is not None else None,
        "seed": seed,
        "history": history.columns if history is not None else None,
        "preprocessing": None,
    }
    if network.preprocessing is not None:
        description["preprocessing"] = network.preprocessing.to_dict()
        tensors.update({_PREPROCESSING + k: np.array(v) for k, v in network.preprocessing.arrays().items()})
    try:
        text = json.dumps(description)
    except TypeError as error:
        raise InputError(
            f"{path}: not written, because a setting of the network cannot be stored ({error}); expected numbers and texts."
        ) from None
    data = to_bytes(tensors, metadata={"unstuck": text, "sha256": _digest(text, tensors)})
    write_whole(path, data)
    return path


def _check_names(network: Network, loss: Loss | None) -> None:
    """InputError if two different functions of the user's go by one name: load could not tell them apart."""
    own = [(layer.name, layer.function) for layer in every(network.layers) if isinstance(layer, Function)]
    own += loss.own_functions() if loss is not None else []
    known: dict[str, Any] = {}
    for name, function in own:
        if known.setdefault(name, function) is not function:
            raise InputError(f"two different functions of the network have the name {name!r}; give each its own name=.")


def load(path: str | Path, *, functions: Mapping[str, Callable[..., Any]] | None = None) -> Network:
    """The network of a file written by :func:`save`, ready to predict; bit-equal to the one that was saved.

    ``functions`` gives the array functions of the user's own layers and loss by name: no code is ever read from the file.
    (Without its loss a network predicts, but cannot be evaluated.) Raises InputError for a file that is missing, truncated,
    foreign, altered, or of a later version.
    """
    return load_with_history(path, functions=functions)[0]


def load_with_history(
    path: str | Path, *, functions: Mapping[str, Callable[..., Any]] | None = None
) -> tuple[Network, History]:
    """As :func:`load`, with the history of the training."""
    path = Path(path)
    text, digest, tensors = _read(path)
    try:
        description = json.loads(text)
        version = description["format"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise InputError(f"{path}: the description of the network is damaged; save the model again.") from None
    if isinstance(version, bool) or not isinstance(version, int) or version < 1:
        raise InputError(f"{path}: written in format {version!r}; expected a whole number. Save the model again.")
    if version > FORMAT:
        raise InputError(
            f"{path}: written in format {version}; this version of unstuck reads format {FORMAT}. Install a newer unstuck."
        )
    if digest != _digest(text, tensors):
        raise InputError(
            f"{path}: the contents do not match their digest; the file was altered or damaged. Save it again."
        )
    try:
        return _build(description, tensors, functions or {})
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, RecursionError) as error:
        raise InputError(
            f"{path}: the description of the network cannot be read ({error}); save the model again."
        ) from None


def _read(path: Path) -> tuple[str, str, dict[str, Any]]:
    from safetensors import SafetensorError, safe_open

    try:
        path.open("rb").close()
        with safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  (no mapping)
    except FileNotFoundError:
        raise InputError(f"{path}: there is no such file; expected a model saved by unstuck.") from None
    except IsADirectoryError:
        raise InputError(f"{path} is a folder; expected a model file saved by unstuck.") from None
    except PermissionError:
        raise InputError(f"{path}: may not be read; ask its owner for the right to read it.") from None
    except (SafetensorError, OSError, ValueError, TypeError, KeyError, AttributeError) as error:
        raise InputError(
            f"{path}: not a whole safetensors file ({str(error).splitlines()[0]}); expected a model saved by unstuck. "
            "If it was copied, copy it again."
        ) from None
    if "unstuck" not in metadata:
        raise InputError(f"{path}: a safetensors file of another program; expected a model saved by unstuck.")
    return metadata["unstuck"], metadata.get("sha256", ""), tensors


def _build(
    description: dict[str, Any], tensors: dict[str, Any], functions: Mapping[str, Callable[..., Any]]
) -> tuple[Network, History]:
    layers = [_layer(_with_functions(layer, functions)) for layer in description["network"]["layers"]]
    network = Network(*restored(layers), dtype=description["network"]["dtype"])
    network.input_shape = tuple(whole_number("input_shape: a size", n) for n in description["network"]["input_shape"])
    for name, spec in network.parameter_specs().items():
        stored = tensors.get(name)
        if stored is None or stored.shape != spec.shape or stored.dtype != network.dtype:
            found = "missing" if stored is None else f"{stored.dtype} of shape {stored.shape}"
            raise InputError(f"parameter {name} is {found}; expected {network.dtype} of shape {spec.shape}.")
        network.parameters[name] = stored
    network.task = description["task"]
    network.class_names = _names(description["class_names"])
    stored_loss = description["loss"]
    if stored_loss is not None:
        network.loss = loss_function(stored_loss).with_functions(functions)
    if description["preprocessing"] is not None:
        arrays = {k.removeprefix(_PREPROCESSING): v for k, v in tensors.items() if k.startswith(_PREPROCESSING)}
        network.preprocessing = preprocessing_from_dict(description["preprocessing"], arrays)
    _check_names_of(network)
    history = description["history"] or {}
    if len({len(column) for column in history.values()}) > 1:
        raise ValueError("the columns of the history have different lengths")
    return network, History(history)


def _check_names_of(network: Network) -> None:
    """KeyError or the like where the description of a trained network does not tell of each of its inputs and outputs."""
    first = network.layers[0]
    names = first.names if isinstance(first, Inputs) else ("",)
    for name in names if network.preprocessing is not None else ():
        network.preprocessing.for_input(name)
    if not network.heads and network.preprocessing is not None:
        network.preprocessing.for_output()


def _plain(class_names: Any) -> Any:
    """The names of the classes, of each output where there are several, as JSON has them."""
    if isinstance(class_names, Mapping):
        return {name: _plain(names) for name, names in class_names.items()}
    return list(class_names) if class_names else None


def _names(stored: Any) -> Any:
    if isinstance(stored, Mapping):
        return {name: _names(names) for name, names in stored.items()}
    return tuple(stored) if stored else None


def _layer(data: Any) -> Layer:
    return data if isinstance(data, Layer) else layer_from_dict(data)


def _with_functions(data: Any, functions: Mapping[str, Callable[..., Any]]) -> Any:
    """A description in which each Function, also inside other layers, is a layer that has its function again."""
    if isinstance(data, list):
        return [_with_functions(part, functions) for part in data]
    if not isinstance(data, dict):
        return data
    if data.get("layer") != "Function":
        return {key: _with_functions(part, functions) for key, part in data.items()}
    if data["name"] not in functions:
        raise InputError(
            f"layer {data['name']!r} is a function of your own; give it again: "
            f"unstuck.load(path, functions={{{data['name']!r}: …}})."
        )
    return Function(functions[data["name"]], data["shapes"], data["init"], data["name"])


def _digest(text: str, tensors: Mapping[str, Any]) -> str:
    digest = hashlib.sha256(text.encode())
    for name in sorted(tensors):
        array = np.ascontiguousarray(tensors[name])
        digest.update(f"{name} {array.dtype} {array.shape}".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()
