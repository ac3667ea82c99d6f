"""Compiled programs of the tests are kept apart from the user's own, and from one run of the tests to the next."""

from __future__ import annotations

import getpass
import os
import tempfile
from pathlib import Path

os.environ.setdefault("UNSTUCK_CACHE", str(Path(tempfile.gettempdir()) / f"unstuck-tests-{getpass.getuser()}"))
