"""States that go on from batch to batch: do the rows and the batches of a training fit to them?"""

from __future__ import annotations

from collections.abc import Sequence

from unstuck.autodiff import Node
from unstuck.errors import InputError


def check_carried(carried: Sequence[Node], count: int, rows: int, batch_size: int | None, *, shuffle: bool) -> None:
    """InputError where row i of a batch would not go on where row i of the batch before ended.

    ``count`` rows are taken ``rows`` at a time, where ``batch_size`` was asked for.
    """
    if not carried:
        return
    layer = str(carried[0].name).rpartition("/")[0]
    begun = f"layer {layer} is stateful: row i of a batch goes on where row i of the batch before ended"
    if shuffle:
        raise InputError(
            f"{begun}, but the rows are shuffled; give shuffle=False, and rows in the order of unstuck.datasets.streams."
        )
    if batch_size is not None and batch_size > count:
        raise InputError(f"{begun}, but batch_size is {batch_size} and there are {count} rows; give {count} or fewer.")
    if count % rows:
        raise InputError(
            f"{begun}, but the last batch would have {count % rows} rows instead of {rows}; give a number of rows that {rows} "
            f"divides (now {count}), such as those of unstuck.datasets.streams(series, {rows}, steps)."
        )
