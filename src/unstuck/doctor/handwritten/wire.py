"""How the doctor and the watched program talk: JSON with arrays in one binary block, no code in it."""

from __future__ import annotations

import json
import math
import socket
import struct
from typing import Any

import numpy as np

_HEAD = struct.Struct("<QQ")


class Closed(ConnectionError):
    """The other side ended before a whole message came."""


def send(connection: socket.socket, message: Any) -> None:
    """Send ``message``: None, bool, int, float, str, list, dict with text keys, NumPy arrays of numbers."""
    # Arrays are sent one after the other: a window can be large, and one text of them all as large again.
    blocks: list[np.ndarray[Any, Any]] = []
    offset = 0

    def plain(value: Any) -> Any:
        nonlocal offset
        if isinstance(value, np.ndarray):
            raw = np.ascontiguousarray(value)
            blocks.append(raw)
            offset += raw.nbytes
            return {"~": [raw.dtype.str, list(value.shape), offset - raw.nbytes]}
        if isinstance(value, dict):
            return {str(key): plain(item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [plain(item) for item in value]
        if isinstance(value, np.generic):
            return value.item()
        return value

    text = json.dumps(plain(message)).encode()
    connection.sendall(_HEAD.pack(len(text), offset) + text)
    for block in blocks:
        if block.nbytes:
            connection.sendall(block.reshape(-1).view(np.uint8).data)


def receive(connection: socket.socket) -> Any:
    """The next message; arrays are read-only views of the received block. Raises Closed or TimeoutError."""
    text_size, block_size = _HEAD.unpack(_exactly(connection, _HEAD.size))
    text = _exactly(connection, text_size)
    block = _exactly(connection, block_size)

    def arrays(value: dict[str, Any]) -> Any:
        if len(value) == 1 and "~" in value:
            kind, shape, start = value["~"]
            count = math.prod(shape)
            if count == 0:
                return np.zeros(shape, dtype=kind)
            return np.frombuffer(block, dtype=kind, count=count, offset=start).reshape(shape)
        return value

    return json.loads(bytes(text), object_hook=arrays)


def _exactly(connection: socket.socket, size: int) -> memoryview:
    buffer = bytearray(size)
    view, got = memoryview(buffer), 0
    while got < size:
        n = connection.recv_into(view[got:], min(size - got, 1 << 24))
        if n == 0:
            raise Closed("the watched program ended")
        got += n
    return view.toreadonly()
