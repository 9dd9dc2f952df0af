"""`python -m suites.speed`: calls a second of an embedded rainbow, beside its smallest call, as a table in Markdown."""

import sys
import tempfile
from pathlib import Path

from pytest_compat.rainbow.process import RainbowProcess

from .load import CALLS, clusters_of, rate, register

SIZES = (48, 100, 500, 1000, 10_000)


def main(sizes):
    """Measure every combination, in one run, and print rows of Markdown as they come."""
    print(f"| clusters | clients | kept in | {' | '.join(CALLS)} | submission / ping |")
    print(f"|{'---|' * (len(CALLS) + 4)}")
    with tempfile.TemporaryDirectory() as folder:
        for size in sizes:
            clusters = clusters_of(size)
            for kept in ("memory", "file"):
                flags = [] if kept == "memory" else ["--db", str(Path(folder, f"{size}.db"))]
                with RainbowProcess(*flags) as process:
                    tokens, idle = register(process.address, process.secret, clusters)
                    for clients in (1, 4):
                        times = 1200 // clients
                        rates = [rate(clients, process.address, call, times, tokens, idle) for call in CALLS]
                        cells = " | ".join(f"{each:.0f}" for each in rates)
                        print(f"| {size} | {clients} | {kept} | {cells} | {rates[0] / rates[-1]:.2f} |", flush=True)


if __name__ == "__main__":
    main([int(size) for size in sys.argv[1:]] or SIZES)
