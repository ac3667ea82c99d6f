"""Compiled programs on disk: found again, repaired, and never read where somebody else could have written them."""

from __future__ import annotations

import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from unstuck.engines.cpu import cache


@pytest.fixture
def place(tmp_path: Path, monkeypatch: Any) -> Path:
    folder = tmp_path / "kernels"
    monkeypatch.setenv("UNSTUCK_CACHE", str(folder))
    return folder


class Maker:
    def __init__(self) -> None:
        self.calls = 0

    def __call__(self) -> bytes:
        self.calls += 1
        return b"object code " * 100


def only(place: Path) -> Path:
    files = list(place.iterdir())
    assert len(files) == 1
    return files[0]


def test_what_was_made_once_is_found_again(place: Path) -> None:
    make = Maker()
    assert cache.kept("key", make) == cache.kept("key", make) == b"object code " * 100
    assert make.calls == 1
    cache.kept("another key", make)
    assert make.calls == 2


@pytest.mark.parametrize("damage", [lambda b: b[:50], lambda b: b[:-1] + b"x", lambda b: b"", lambda b: b"x" + b[1:]])
def test_a_damaged_file_is_made_again_and_replaced(place: Path, damage: Any) -> None:
    make = Maker()
    cache.kept("key", make)
    good = only(place).read_bytes()
    only(place).write_bytes(damage(good))
    assert cache.kept("key", make) == b"object code " * 100
    assert make.calls == 2
    assert only(place).read_bytes() == good


@pytest.mark.skipif(sys.platform == "win32", reason="permissions of another kind")
def test_a_folder_or_file_that_others_may_write_is_not_read(place: Path) -> None:
    make = Maker()
    cache.kept("key", make)
    only(place).chmod(0o666)
    cache.kept("key", make)
    assert make.calls == 2
    place.chmod(0o777)
    cache.kept("key", make)
    assert make.calls == 3
    place.chmod(0o700)
    cache.kept("key", make)
    assert make.calls == 3


@pytest.mark.skipif(sys.platform == "win32", reason="permissions of another kind")
def test_a_link_is_not_followed(place: Path, tmp_path: Path) -> None:
    make = Maker()
    cache.kept("key", make)
    name = only(place)
    other = tmp_path / "elsewhere"
    name.rename(other)
    name.symlink_to(other)
    cache.kept("key", make)
    assert make.calls == 2


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="the superuser may write everywhere")
def test_a_folder_that_cannot_be_written_is_no_error(place: Path) -> None:
    place.mkdir(mode=0o500)
    make = Maker()
    assert cache.kept("key", make) == cache.kept("key", make)
    assert make.calls == 2


def test_a_folder_that_cannot_be_made_is_no_error(tmp_path: Path, monkeypatch: Any) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("UNSTUCK_CACHE", str(tmp_path / "file" / "kernels"))
    make = Maker()
    assert cache.kept("key", make) == cache.kept("key", make)
    assert make.calls == 2


def test_the_cache_can_be_switched_off(monkeypatch: Any) -> None:
    monkeypatch.setenv("UNSTUCK_CACHE", "off")
    make = Maker()
    cache.kept("key", make)
    cache.kept("key", make)
    assert make.calls == 2


def test_many_at_once_leave_one_whole_file(place: Path) -> None:
    make = Maker()
    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(lambda _: cache.kept("key", make), range(40))) == {b"object code " * 100}
    assert only(place).read_bytes().startswith(cache.MAGIC)


def test_the_folder_does_not_grow_without_end(place: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(cache, "MOST_FILES", 6)
    for i in range(20):
        cache.kept(str(i), Maker())
    assert len(list(place.iterdir())) <= 6
