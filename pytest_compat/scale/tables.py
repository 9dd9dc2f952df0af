"""Jobs and clusters as columns: what jobs require by subsystem, and which version of it clusters have."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_compat.builds.environments import Environments
from pytest_compat.builds.parquet import column_names, read_table
from pytest_compat.declare.reading import read_text
from pytest_compat.errors import DeclarationError, brief
from pytest_compat.matching.versions import parse_version

if TYPE_CHECKING:
    from pytest_compat.builds.dataset import Dataset

JOB_COLUMNS = ("job", "package", "requires")
RANGE_COLUMNS = ("range_id", "subsystem", "min", "max")
PARTS = {"major": 1, "minor": 2}
"""Parts of a version that have to be the same."""


@dataclass(frozen=True)
class Jobs:
    """Jobs.

    Args:
        names: Of the jobs.
        packages: The package of each.
        required: By subsystem and position of a job, what it requires: `match`, or `min` and `max`.
    """

    names: tuple[str, ...]
    packages: tuple[str, ...]
    required: Mapping[str, Mapping[int, Mapping[str, str]]]

    def first(self, count: int) -> Jobs:
        """Return the first so many jobs."""
        required = {
            subsystem: {job: bounds for job, bounds in jobs.items() if job < count}
            for subsystem, jobs in self.required.items()
        }
        return Jobs(self.names[:count], self.packages[:count], required)


def builds_as_jobs(dataset: Dataset, require: str) -> tuple[Jobs, list[str]]:
    """Return the jobs that builds are, and what to say about them.

    Args:
        dataset: The builds.
        require: `exact`: a job requires the versions of its dependencies that it was built with. `major`, `minor`: any
            version of which that many parts are the same; where a version has no such parts, the very same.
    """
    required: dict[str, dict[int, dict[str, str]]] = {}
    frame = dataset.frame
    unordered: set[tuple[str, str]] = set()
    for row, (names, versions) in enumerate(zip(frame["dep_names"], frame["dep_versions"], strict=True)):
        for name, version in zip(names, versions, strict=True):
            bounds = {"match": version}
            if require in PARTS:
                if parsed := parse_version(version):
                    abbreviated = ".".join(map(str, parsed.numbers[: PARTS[require]]))
                    bounds = {"min": abbreviated, "max": abbreviated}
                else:
                    unordered.add((name, version))
            required.setdefault(name, {})[row] = bounds
    remarks = [*map(str, dataset.excluded), *dataset.remarks]
    if unordered:
        name, version = min(unordered)
        remarks.append(
            f"{len(unordered)} versions have no place in the order of versions, such as {name} {version}: they are "
            f"required as they are"
        )
    return Jobs(tuple(map(str, frame["spec"])), tuple(map(str, frame["package"])), required), remarks


def read_requirements(jobs: Path, ranges: Path) -> tuple[Jobs, list[str]]:
    """Read jobs that require ranges of versions, both ends included.

    Args:
        jobs: Parquet with the columns of JOB_COLUMNS; `requires` is a list of range_id.
        ranges: CSV with the columns of RANGE_COLUMNS.

    Raises:
        DeclarationError: One of them is missing or is not what it has to be, or a job names a range that there is not.
    """
    known = _ranges(ranges)
    columns = read_table(jobs, _having(jobs, JOB_COLUMNS)).to_pydict()
    names: dict[str, int] = {}
    packages: list[str] = []
    required: dict[str, dict[int, dict[str, str]]] = {}
    again = 0
    source = str(jobs)
    for row, (name, package, wanted) in enumerate(zip(*(columns[each] for each in JOB_COLUMNS), strict=True)):
        if not isinstance(name, str) or not isinstance(package, str) or not isinstance(wanted, list):
            raise DeclarationError(
                f"found {brief([name, package, wanted])}, expected a name, a package and a list of ranges",
                source=source,
                path=f"row {row}",
            )
        if name in names:
            again += 1
            continue
        job = names[name] = len(names)
        packages.append(package)
        for number in wanted:
            if not isinstance(number, int) or number not in known:
                raise DeclarationError(
                    f"found range {brief(number)}, of which {ranges.name} has none", source=source, path=f"row {row}"
                )
            subsystem, bounds = known[number]
            if required.setdefault(subsystem, {}).setdefault(job, bounds) != bounds:
                raise DeclarationError(
                    f"found two ranges of {subsystem}, expected one per job", source=source, path=f"row {row}"
                )
    if not names:
        raise DeclarationError("found no jobs, expected one or more", source=source)
    remarks = [f"{again} rows left out: a job of the same name stands before them"] if again else []
    return Jobs(tuple(names), tuple(packages), required), remarks


def _ranges(path: Path) -> dict[int, tuple[str, dict[str, str]]]:
    source = str(path)
    reader = csv.DictReader(read_text(path).splitlines())
    if lacking := [name for name in RANGE_COLUMNS if name not in (reader.fieldnames or ())]:
        raise DeclarationError(
            f"found no column {lacking[0]!r}, expected {', '.join(RANGE_COLUMNS)}", source=source, path="line 1"
        )
    found: dict[int, tuple[str, dict[str, str]]] = {}
    for line, row in enumerate(reader, 2):
        place = f"line {line}"
        try:
            number = int(row["range_id"])
        except (TypeError, ValueError):
            raise DeclarationError(
                f"found {brief(row['range_id'])}, expected the number of a range", source=source, path=place
            ) from None
        if number in found:
            raise DeclarationError(f"found range {number} again", source=source, path=place)
        bounds = {end: row[end] for end in ("min", "max") if row[end]}
        if not row["subsystem"] or not bounds:
            raise DeclarationError("found no subsystem or no bound, expected both", source=source, path=place)
        for end, text in bounds.items():
            if parse_version(text) is None:
                raise DeclarationError(
                    f"found {brief(text)}, a version without a place in their order",
                    source=source,
                    path=f"{place}, {end}",
                )
        found[number] = (row["subsystem"], bounds)
    return found


def read_clusters(path: Path, most: int | None = None) -> Environments:
    """Read clusters: Parquet with a column `cluster` and one per subsystem of versions, empty where there is none.

    Args:
        path: The file.
        most: Take the first so many, by name; None for all.

    Raises:
        DeclarationError: It is no such file, or names a cluster twice.
    """
    import numpy

    columns = read_table(path, _having(path, ("cluster",))).to_pydict()
    names = columns.pop("cluster")
    if not names or not all(isinstance(name, str) for name in names) or len(set(names)) < len(names):
        raise DeclarationError("found clusters without names that differ", source=str(path), path="cluster")
    order = sorted(range(len(names)), key=names.__getitem__)[:most]
    subsystems = tuple(sorted(columns))
    versions, codes = [], numpy.full((len(subsystems), len(order)), -1, numpy.int64)
    for place, subsystem in enumerate(subsystems):
        cells = [columns[subsystem][row] or None for row in order]
        if odd := [cell for cell in cells if cell is not None and not isinstance(cell, str)]:
            raise DeclarationError(f"found {brief(odd[0])}, expected versions", source=str(path), path=subsystem)
        distinct = sorted({cell for cell in cells if cell})
        versions.append(tuple(distinct))
        codes[place] = [distinct.index(cell) if cell else -1 for cell in cells]
    return Environments(subsystems, tuple(versions), codes, tuple(names[row] for row in order))


def _having(path: Path, needed: tuple[str, ...]) -> list[str]:
    found = column_names(path)
    if lacking := [name for name in needed if name not in found]:
        raise DeclarationError(f"found no column {lacking[0]!r}, expected {', '.join(needed)}", source=str(path))
    return [name for name in found if name in needed] if needed == JOB_COLUMNS else list(found)
