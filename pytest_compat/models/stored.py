"""Models as a file: JSON that says what it is, with every number of every table, and no code."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, NoReturn

from pytest_compat.errors import DeclarationError, brief
from pytest_compat.models.additive import Additive, Table, placed
from pytest_compat.models.calibrate import Calibration
from pytest_compat.models.rates import Rates
from pytest_compat.models.training import Models, PackageModel

SCHEMA = "pytest-compat/models/1"


def render(models: Models) -> str:
    """Return the text of a file of models; the same for the same models."""
    document = {
        "schema": SCHEMA,
        "kind": models.kind,
        "seed": models.seed,
        "prior": models.prior,
        "rates": {"successes": models.rates.successes, "failures": models.rates.failures},
        "calibration": {"intercept": models.calibration.intercept, "slope": models.calibration.slope},
        "left_out": list(models.left_out),
        "packages": {name: _plain(package) for name, package in sorted(models.packages.items())},
    }
    return json.dumps(document, indent=1, allow_nan=False, sort_keys=True) + "\n"


def load(path: Path) -> Models:
    """Read a file of models.

    Raises:
        DeclarationError: It is no such file, or of another version of the schema; with both.
    """
    try:
        document = json.loads(path.read_bytes(), parse_constant=_no_number)
    except OSError as error:
        raise DeclarationError(f"cannot be read: {error.strerror or error}", source=str(path)) from None
    except (ValueError, RecursionError) as error:
        raise DeclarationError(f"found no JSON: {error}; train models first", source=str(path)) from None
    try:
        return _models(document)
    except DeclarationError as error:
        raise error.within(str(path)) from None


def _plain(package: PackageModel) -> dict[str, Any]:
    plain: dict[str, Any] = {"builds": package.builds, "successes": package.successes, "constants": package.constants}
    if package.model is None:
        return plain | {"why": package.why}
    tables = {
        name: {"weights": table.weights, "unseen": table.unseen, "steps": table.steps}
        for name, table in package.model.tables.items()
    }
    return plain | {"intercept": package.model.intercept, "tables": tables}


def _models(document: Any) -> Models:
    from jsonschema.exceptions import best_match

    found = document.get("schema") if isinstance(document, Mapping) else None
    if found != SCHEMA:
        raise DeclarationError(f"found {brief(found)}, expected {SCHEMA!r}; train the models again", path="schema")
    problem = best_match(_validator().iter_errors(document))
    if problem is not None:
        where = ".".join(str(part) for part in problem.absolute_path)
        raise DeclarationError(f"expected what schema.json says: {problem.message[:200]}", path=where)
    return Models(
        document["kind"],
        document["seed"],
        document["prior"],
        Rates(**document["rates"]),
        Calibration(**document["calibration"]),
        {name: _package(name, plain) for name, plain in document["packages"].items()},
        tuple(document["left_out"]),
    )


def _package(name: str, plain: Mapping[str, Any]) -> PackageModel:
    model = None
    if "tables" in plain:
        tables = {
            feature: Table(table["weights"], table["unseen"], table["steps"])
            for feature, table in plain["tables"].items()
        }
        for feature, table in tables.items():
            if strange := [version for version in table.steps if placed(version) is None]:
                raise DeclarationError(
                    f"found {brief(strange[0])}, expected a version", path=f"packages.{name}.tables.{feature}.steps"
                )
        model = Additive(plain["intercept"], tables)
    if plain["successes"] > plain["builds"]:
        raise DeclarationError(f"found more successes than {plain['builds']} builds", path=f"packages.{name}.successes")
    return PackageModel(plain["builds"], plain["successes"], model, plain.get("why", ""), plain["constants"])


@cache
def _validator() -> Any:
    from jsonschema import Draft202012Validator

    schema = files("pytest_compat.models").joinpath("schema.json").read_text(encoding="utf-8")
    return Draft202012Validator(json.loads(schema))


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number")
