"""`python -m tests.bench [NAME…]`: run the measurements, print the table, write it beside this file as JSON.

Without names all but the longest are run, into results.json, which README.md quotes; with names each goes into a
results-NAME.json. Some take another size, for a look while working: `python -m tests.bench round=200 books=2000`; nothing is
written then.
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
    """Run the named measurements (all but the longest where none is named); return 1 where a goal is missed."""
    rows = []
    for asked in names or [name for name in measurements.ALL if name not in measurements.APART]:
        name, _, size = asked.partition("=")
        print(f"measuring {asked} ...", file=sys.stderr, flush=True)
        with tempfile.TemporaryDirectory(prefix="bench-") as folder:
            measured = measurements.ALL[name](Path(folder), **({"size": int(size)} if size and name in measurements.SIZED else {}))
        rows += measured
        if names and not size:
            _write(f"results-{name}.json", measured)
    if not names:
        _write("results.json", rows)
    print(table(_found(rows)))
    return 0 if all(row["met"] in (True, None) for row in rows) else 1


def _found(rows: list[dict]) -> dict:
    return {
        "when": time.strftime("%Y-%m-%d", time.gmtime()), "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}, {measurements.cores()} cores", "rows": rows,
    }  # fmt: skip


def _write(name: str, rows: list[dict]) -> None:
    (HERE / name).write_text(json.dumps(_found(rows), indent=1) + "\n", encoding="utf-8")


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
