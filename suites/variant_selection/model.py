"""`python -m suites.variant_selection.model`: what the variants would take on four ARM cores, modelled.

Nothing was run on such a machine. The model says what follows from the times measured on two x86 cores if the machine
differs in two ways alone: a core takes FACTOR times as long, and there are four. It writes a table of its own, of the
kind `modelled`, which says the same.
"""

import json
from pathlib import Path

from pytest_compat.declare.times import FAILED, MODELLED, OK, SCHEMA, digest, read_table, render, summarize

HERE = Path(__file__).parent
SOURCE = HERE / "measured" / "vm-x86-2core" / "times.csv"
MACHINE = "model-arm-4core"

FACTOR = 1.25
"""Seconds of an ARM core for one of the x86 core. Assumed, and the same for all, so that no score depends on it."""

SERIAL = {"ranks": "1", "threads": "1", "grid": "1x1x1"}
DIGITS = 6

DESCRIPTION = (
    "Times of a machine that does not exist: four ARM cores, each of which takes core_factor times as long as a "
    "core of the machine measured, with the same builds. Variants on one core or two take core_factor times their "
    "measured median. Those on four are modelled from those on one and two: T4 = T2 (s + (1 - s) / 4) / (s + (1 - "
    "s) / 2), Amdahl's law (1967), with the serial fraction s = 2 T2 / T1 - 1 of the same input, build and style, "
    "as Karp and Flatt (1990) find it from a speed-up, kept within 0 and 1. Ranks and threads each have their own "
    "s, which holds communication and imbalance as well, as if they did not change from two cores to four. The "
    "style opt gains what it gains on x86, since its code is plain C++. What failed when it was measured fails, on "
    "four cores as on two. What was measured with more ranks than cores has no part in it."
)


def serial_fraction(one, two):
    """Return the share of the work that two do not do faster than one, 0 to 1, from the seconds of both."""
    return min(max(2 * two / one - 1, 0.0), 1.0)


def on_four(two, serial):
    """Return the seconds on four cores, from those on two and the serial fraction."""
    return two * (serial + (1 - serial) / 4) / (serial + (1 - serial) / 2)


def variants(table):
    """Yield the variants of the modelled machine: name, attributes, and the measured ones whose times they come from.

    Those are the variant itself, or for one on four cores the same on one core and on two.
    """
    names = {frozenset(attributes.items()): name for name, attributes in table.variants.items()}
    for name, attributes in table.variants.items():
        if "oversubscribed" in attributes:
            continue
        yield name, attributes, (name,)
        alone = names.get(frozenset({**attributes, **SERIAL}.items()))
        several = next((each for each in ("ranks", "threads") if attributes[each] == "2"), None)
        if alone and several and attributes["grid"] in ("auto", SERIAL["grid"]):  # others are grids of two ranks
            wide = name.replace("mpi2", "mpi4").replace("threads2", "threads4")
            yield wide, {**attributes, several: "4"}, (alone, name)


def model(table):
    """Return the modelled table: its CSV, and what stands beside it.

    Args:
        table: The measured one.
    """
    cells = {(each.input, each.variant): each for each in summarize(table.rows)}
    rows, fractions, described = [], {}, {}
    for name, attributes, sources in variants(table):
        described[name] = attributes
        for input in table.about["inputs"]:
            *before, last = (cells[input, source] for source in sources)
            row = {"machine": MACHINE, "kind": MODELLED, "input": input, "variant": name}
            row |= {"repeat": 1, "order": len(rows) + 1}
            if last.median is None or any(each.median is None for each in before):
                rows.append({**row, "outcome": FAILED, "reason": last.reason})
                continue
            seconds = last.median
            for alone in before:
                serial = serial_fraction(alone.median, last.median)
                fractions.setdefault(name, {})[input] = round(serial, DIGITS)
                seconds = on_four(last.median, serial)
            rows.append({**row, "outcome": OK, "seconds": round(FACTOR * seconds, DIGITS)})
    text = render(rows)
    about = {
        "schema": SCHEMA,
        "kind": MODELLED,
        "machine": MACHINE,
        "complete": True,
        "sha256": digest(text),
        "model": {
            "description": DESCRIPTION,
            "core_factor": FACTOR,
            "cores": 4,
            "measured": {"machine": table.machine, "sha256": table.about["sha256"]},
            "serial_fractions": fractions,
        },
        "inputs": table.about["inputs"],
        "variants": described,
    }
    return text, about


def write(folder):
    """Write the modelled table to a folder."""
    text, about = model(read_table(SOURCE))
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "times.csv").write_text(text, encoding="utf-8")
    (folder / "times.json").write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    write(HERE / "modelled" / MACHINE)
