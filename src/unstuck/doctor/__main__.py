"""``python -m unstuck.doctor FILE --json``: the diagnosis as JSON, without the command line's comfort."""

from __future__ import annotations

import json
import sys

from unstuck.doctor.handwritten.diagnose import diagnose
from unstuck.errors import InputError

if __name__ == "__main__":
    try:
        given = [a for a in sys.argv[1:] if not a.startswith("-")]
        report = diagnose(given[0], **({"budget_seconds": float(given[1])} if len(given) > 1 else {}))
    except InputError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(2)
    sys.stdout.write(json.dumps(report.to_json(), indent=1) + "\n")
    sys.exit(report.exit_code)
