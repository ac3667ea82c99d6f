"""What MkDocs does to a finished page: cross-references in docstrings, such as :class:`Run`, become plain code."""

from __future__ import annotations

import re
from typing import Any

ROLE = re.compile(r":(?:class|func|meth|mod|data):<code>~?([\w.]+)</code>")


def on_page_content(html: str, **_: Any) -> str:
    """Called by MkDocs for each page; only the last part of a dotted name is shown."""
    return ROLE.sub(lambda found: f"<code>{found[1].rsplit('.', 1)[-1]}</code>", html)
