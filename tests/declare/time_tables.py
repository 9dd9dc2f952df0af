"""Tables of times, written as `measure` writes them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from pytest_compat.declare.times import MEASURED, MODELLED, SCHEMA, render

Times = Mapping[str, Mapping[str, Sequence[float | str]]]
"""By input and variant: seconds of each run, or why it failed."""


def write_table(folder: Path, times: Times, *, machine: str = "lab", kind: str = MEASURED, **about: Any) -> Path:
    """Write a table and what stands beside it, and return the path of the table.

    Args:
        folder: Where to; made if need be.
        times: The runs.
        machine: Name of the machine.
        kind: MEASURED or MODELLED.
        about: What the JSON file says beside or instead of the usual.
    """
    runs = [
        (input, variant, repeat, run)
        for input, row in times.items()
        for variant, some in row.items()
        for repeat, run in enumerate(some, 1)
    ]
    text = render(
        {
            "machine": machine, "input": input, "variant": variant, "repeat": repeat, "order": order, "kind": kind,
            **({"outcome": "failed", "reason": run} if isinstance(run, str) else {"outcome": "ok", "seconds": run}),
        }
        for order, (input, variant, repeat, run) in enumerate(runs, 1)
    )  # fmt: skip
    source = {MEASURED: {"environments": [{"cpu": "fast"}]}, MODELLED: {"model": {"description": "a guess"}}}[kind]
    described = {
        "schema": SCHEMA,
        "kind": kind,
        "machine": machine,
        "complete": True,
        "inputs": {input: {} for input in times},
        "variants": {variant: {} for row in times.values() for variant in row},
        **source,
        **about,
    }
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "times.csv"
    write_rows(path, text, described)
    return path


def write_rows(path: Path, text: str, about: Mapping[str, Any] | None = None) -> None:
    """Write the rows of a table, with a JSON file that is right about them, whatever they say."""
    beside = path.with_suffix(".json")
    described = json.loads(beside.read_text(encoding="utf-8")) if about is None else about
    path.write_bytes(text.encode("utf-8"))
    beside.write_text(json.dumps({**described, "sha256": sha256(text.encode()).hexdigest()}), encoding="utf-8")
