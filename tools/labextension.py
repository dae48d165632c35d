"""Build the panel for JupyterLab from `labextension/` into `lessonkit/labextensions/`: `python tools/labextension.py`.

It needs node and npm; who installs the package needs neither. `sources.sha256` beside the built files says which
sources they were built from, and a test compares it with the sources that are there.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "labextension"
BUILT = ROOT / "lessonkit" / "labextensions" / "lessonkit-panel"
STAMP = BUILT / "sources.sha256"


def sources(folder: Path = SOURCE) -> list[Path]:
    """Return the files that the built ones depend on, in order."""
    files = [folder / name for name in ("package.json", "package-lock.json", "tsconfig.json", "rspack.config.js")]
    return files + sorted(path for room in ("schema", "src", "style") for path in (folder / room).iterdir())


def stamp(folder: Path = SOURCE) -> str:
    """Return a hash over names and contents of the sources."""
    seen = hashlib.sha256()
    for path in sources(folder):
        seen.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes().replace(b"\r\n", b"\n") + b"\0")
    return seen.hexdigest()


def build(folder: Path = SOURCE) -> None:
    """Compile and build in `folder`, which may be a copy of the sources; packages are installed where none are."""
    npm, npx = shutil.which("npm"), shutil.which("npx")
    if npm is None or npx is None:
        sys.exit("npm was not found. Install node 20 or newer, then type this again.")
    if not (folder / "node_modules").is_dir():
        subprocess.run([npm, "ci", "--no-fund", "--no-audit"], cwd=folder, check=True)
    subprocess.run([npx, "tsc"], cwd=folder, check=True)
    core = folder / "node_modules" / "@jupyterlab" / "core-meta" / "core.package.json"
    subprocess.run([sys.executable, "-m", "jupyter_builder.main", "build", "--core-package-file", str(core), str(folder)], check=True)


if __name__ == "__main__":
    shutil.rmtree(BUILT, ignore_errors=True)
    build()
    STAMP.write_text(stamp() + "\n", encoding="utf-8")
    print(f"wrote {BUILT}")
