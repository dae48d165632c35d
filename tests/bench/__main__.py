"""`python -m tests.bench [NAME…]`: run the measurements, print the table, write it beside this file as JSON.

Some take another size, for a look while working: `python -m tests.bench round=200 books=2000`; nothing is written then.
"""

from __future__ import annotations

import json
import platform
import sys
import tempfile
import time
from pathlib import Path

from tests.bench import measurements

HERE = Path(__file__).parent


def main(names: list[str]) -> int:
    """Run the named measurements (all where none is named); return 1 where a goal is missed."""
    rows = []
    for asked in names or list(measurements.ALL):
        name, _, size = asked.partition("=")
        print(f"measuring {asked} ...", file=sys.stderr, flush=True)
        with tempfile.TemporaryDirectory(prefix="bench-") as folder:
            rows += measurements.ALL[name](Path(folder), **({"size": int(size)} if size and name in measurements.SIZED else {}))
    found = {
        "when": time.strftime("%Y-%m-%d", time.gmtime()), "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}, {measurements.cores()} cores", "rows": rows,
    }  # fmt: skip
    if not any("=" in name for name in names):
        (HERE / "results.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print(table(found))
    return 0 if all(row["met"] in (True, None) for row in rows) else 1


def table(found: dict) -> str:
    """Return the measurements as a Markdown table."""
    lines = ["| what | ours | against | ratio | goal | met |", "|---|---|---|---|---|---|"]
    for row in found["rows"]:
        met = {True: "yes", False: "no", None: "-"}[row["met"]]
        lines.append(
            f"| {row['what']} | {row['ours']} | {row['against']} | {row['ratio']} | {row['goal']} | {met} |"
        )
    return "\n".join(
        [*lines, "", f"Measured in one run: {found['machine']}, Python {found['python']}, {found['when']}."]
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
