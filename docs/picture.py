"""Makes docs/lammps.svg: what the README's first command prints, in its own colours.

python docs/picture.py
"""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.text import Text

ROOT = Path(__file__).parent.parent
COMMAND = ["pytest", "suites/lammps", "--compat-level=all"]
WIDTH = 158


def main() -> None:
    """Run the command and draw the section it ends with."""
    run = subprocess.run(
        [sys.executable, "-m", *COMMAND, "-q", "--color=yes", "-p", "no:cacheprovider", "-p", "no:benchmark"],
        cwd=ROOT,
        env={**os.environ, "COLUMNS": str(WIDTH)},
        capture_output=True,
        text=True,
        check=True,
    )
    lines = run.stdout.splitlines()
    start = next(number for number, line in enumerate(lines) if " compatibility " in line)
    console = Console(record=True, width=WIDTH, file=io.StringIO())
    console.print(Text(f"$ {' '.join(COMMAND)}"))
    console.print(Text.from_ansi("\n".join(lines[start:])))
    picture = console.export_svg(title="pytest-compat")
    # The fonts would be fetched from the network; every reader has a monospaced one.
    picture = re.sub(r"@font-face \{.*?\}\n", "", picture, flags=re.DOTALL).replace("Fira Code", "monospace")
    (ROOT / "docs" / "lammps.svg").write_text(picture, encoding="utf-8")


if __name__ == "__main__":
    main()
