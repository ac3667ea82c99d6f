"""In which order kernels run, where threads wait for each other, and where values lie in the arena."""

from __future__ import annotations

from unstuck.engines.cpu.kernel import ALONE, Domain, Kernel
from unstuck.engines.cpu.memory import ARENA, LINE, Storage

# (which storage, the rows of it that each thread touches (None: any), whether it is written)
Access = tuple[int, Domain | None, bool]


def _accesses(kernel: Kernel) -> list[Access]:
    """What a kernel touches. What one thread does alone, it does to what is its own."""
    split, alone = kernel.domain, kernel.domain is ALONE
    reads: list[Access] = [(_key(storage), split if own or alone else None, False) for storage, own in kernel.reads]
    return [*reads, *((_key(storage), split, True) for storage in kernel.writes)]


def _key(storage: Storage) -> int:
    """Storages of the arena differ from each other, those outside by their slots."""
    return id(storage) if storage.slot == ARENA else -storage.slot


def _must_wait(mine: list[Access], before: list[Access]) -> bool:
    """Whether a thread may meet here what another one has not finished."""
    known: dict[int, list[tuple[Domain | None, bool]]] = {}
    for what, rows, wrote in before:
        known.setdefault(what, []).append((rows, wrote))
    return any(
        (writes or wrote) and (rows is None or rows != others)
        for what, rows, writes in mine
        for others, wrote in known.get(what, ())
    )


def in_few_stretches(kernels: list[Kernel]) -> list[Kernel]:
    """Put kernels that need no waiting for each other side by side: fewer barriers, the same results."""
    accesses = [_accesses(kernel) for kernel in kernels]
    waits: list[set[int]] = []
    touched: dict[int, list[tuple[int, bool]]] = {}  # for each storage who came so far, and whether to write
    for j, mine in enumerate(accesses):
        waits.append(
            {i for what, _, writes in mine for i, wrote in touched.get(what, ()) if (writes or wrote) and i != j}
        )
        for what, _, writes in mine:
            touched.setdefault(what, []).append((j, writes))
    order: list[int] = []
    since: list[Access] = []
    left = list(range(len(kernels)))
    done: set[int] = set()
    while left:
        ready = [j for j in left if waits[j] <= done]
        chosen = next((j for j in ready if not _must_wait(accesses[j], since)), None)
        if chosen is None:
            chosen, since = ready[0], []
        since += accesses[chosen]
        order.append(chosen)
        done.add(chosen)
        left.remove(chosen)
    return [kernels[j] for j in order]


def set_barriers(kernels: list[Kernel]) -> None:
    """Threads wait for each other only where one reads what another wrote, or writes what another still reads.

    The arena gives memory to another storage only after a barrier, so that this does not bring in more.
    """
    since: list[Access] = []
    for kernel in kernels:
        mine = _accesses(kernel)
        kernel.barrier = _must_wait(mine, since)
        since = mine if kernel.barrier else since + mine


def goes_on_alone(kernels: list[Kernel]) -> bool:
    """Whether a thread may begin the next step while others are still in this one: where no thread ever meets what another
    does, as in the steps of a recurrence, whose rows have nothing to do with each other.

    (A step with a barrier waits in any case: two storages may have the same place in the arena, one before it and one after.)
    """
    accesses = [_accesses(kernel) for kernel in kernels]
    everything = [access for mine in accesses for access in mine]
    if any(kernel.barrier or kernel.domain is ALONE for kernel in kernels):
        return False
    return not any(_must_wait(mine, everything) for mine in accesses)


def place_in_arena(kernels: list[Kernel]) -> int:
    """Offsets in the arena: a storage takes the place of others that nobody needs since the last barrier (first fit).

    Gives the bytes of the arena.
    """
    last: dict[int, int] = {}
    storages: dict[int, Storage] = {}
    for position, kernel in enumerate(kernels):
        for storage in [*(s for s, _ in kernel.reads), *kernel.writes]:
            if storage.slot == ARENA:
                last[id(storage)] = position
                storages[id(storage)] = storage
    placed: list[Storage] = []
    total, position = LINE, 0
    for now, kernel in enumerate(kernels):
        position = now if kernel.barrier else position
        for storage in kernel.writes:
            if storage.slot != ARENA or any(s is storage for s in placed):
                continue
            alive = sorted((s for s in placed if last[id(s)] >= position), key=lambda s: s.offset)
            offset = 0
            for other in alive:
                if offset + storage.size <= other.offset:
                    break
                offset = max(offset, other.offset + other.size)
            storage.offset = offset
            placed.append(storage)
            total = max(total, offset + storage.size)
    return total
