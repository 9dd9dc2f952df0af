"""What container images and hosts say of themselves: compatibility specs, OCI annotations, and plain attributes.

Read are JSON (files that end in .json) and YAML, in these forms:

- `kind: CompatibilitySpec` with `compatibilities`, each with a `name` and its `attributes` or `annotations`; or with
  one map of `attributes`;
- an OCI image index, manifest or descriptor: the `annotations`, and of a descriptor `platform.architecture`
  (https://specs.opencontainers.org/image-spec/annotations);
- a list of objects with `image` or `name`, and `attributes`;
- one flat object of attributes, with a `name` if need be.

Outside of `compatibilities` attributes have dotted names or one of those in SHORT.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from pytest_compat.declare.dialects import quoted
from pytest_compat.declare.jgf import load_json
from pytest_compat.declare.reading import expect, load_yaml, read_text
from pytest_compat.errors import DeclarationError, brief, known

KIND = "CompatibilitySpec"

ARCHSPEC, SUPERCONTAINERS = "io.archspec", "org.supercontainers"
"""The two schemas whose attributes are sorted into subsystems by name."""

SHORT = {
    "arch": f"{ARCHSPEC}.cpu.target",
    "os_vendor": f"{SUPERCONTAINERS}.os.vendor",
    "os_version": f"{SUPERCONTAINERS}.os.version",
    "glibc": f"{SUPERCONTAINERS}.os.glibc",
    "mpi": f"{SUPERCONTAINERS}.mpi.implementation",
    "gpu": f"{SUPERCONTAINERS}.hardware.gpu.available",
}
"""Short names of attributes."""

PASSED_OVER = "org.opencontainers."
"""Annotations about the making of an image (title, licences, date), which say nothing of where it runs."""

REFERENCE = "org.opencontainers.image.ref.name"

_SPELT = {
    f"{ARCHSPEC}.cpu.target": {"x86_64": "amd64", "aarch64": "arm64"},
    f"{SUPERCONTAINERS}.os.vendor": {},
    f"{SUPERCONTAINERS}.mpi.implementation": {},
    f"{SUPERCONTAINERS}.hardware.gpu.available": {"true": "yes", "false": "no"},
}
"""Attributes whose values are compared in lower case, and other words for some of them."""

_VERSION = re.compile(r"[0-9]+(?:\.[0-9]+){1,2}")

_expect = partial(expect, DeclarationError)


@dataclass(frozen=True)
class CompatSpec:
    """What an image or a host says of itself.

    Args:
        name: What it is called.
        source: The file it stands in.
        attributes: Values by subsystem and field, in the order of the file.
    """

    name: str
    source: str
    attributes: Mapping[str, Mapping[str, str]]


def read_specs(paths: Iterable[Path]) -> tuple[CompatSpec, ...]:
    """Read the specs of all files, in their order.

    Raises:
        DeclarationError: A file is missing, is neither JSON nor YAML, is of another kind, has no attributes or one that
            is no string, or two specs have one name; with the file and the path inside it.
    """
    found: dict[str, CompatSpec] = {}
    for path in paths:
        text = read_text(path)
        try:
            document = load_json(text, number=float) if path.suffix == ".json" else load_yaml(text)
            for name, attributes in _specs(document, path.stem):
                if name in found:
                    other = found[name].source
                    problem = f"found a second one called {name!r} (the first: {other}), expected names that differ"
                    raise DeclarationError(problem)
                found[name] = CompatSpec(name, str(path), attributes)
        except DeclarationError as error:
            raise DeclarationError(error.problem, source=str(path), path=error.path) from None
    return tuple(found.values())


def read_host(path: Path) -> CompatSpec:
    """Read what a host says of itself, in any of the forms for images.

    Raises:
        DeclarationError: As for images; or the file speaks of several.
    """
    specs = read_specs([path])
    if len(specs) != 1:
        raise DeclarationError(f"found {len(specs)} hosts, expected one in a file", source=str(path))
    return specs[0]


class _Attributes:
    """Attributes as they are gathered from a document, sorted into subsystems."""

    def __init__(self) -> None:
        self.found: dict[str, dict[str, str]] = {}

    def add(self, given: object, place: str, schema: str = "") -> None:
        """Add a map of attributes.

        Args:
            given: The map.
            place: Where it stands.
            schema: The name of the compatibility that it is of; empty for dotted names that say so themselves.
        """
        for name, value in _expect(given, dict, place, "an object of attributes").items():
            at = f"{place}.{name}" if place else str(name)
            if not isinstance(name, str) or not name:
                raise DeclarationError(f"found the key {brief(name)}, expected a string", path=place)
            _expect(value, str, at, f"a string{quoted(value)}")
            if not name.startswith(PASSED_OVER):
                self._put(name, value, at, schema)

    def _put(self, name: str, value: str, place: str, schema: str) -> None:
        if not schema:
            full = SHORT.get(name, name)
        else:
            full = name if _sorted(name) or name.startswith(f"{schema}.") else f"{schema}.{name}"
        if full.startswith(f"{ARCHSPEC}."):
            subsystem, field = ARCHSPEC, full.removeprefix(f"{ARCHSPEC}.")
        elif full.startswith(f"{SUPERCONTAINERS}."):
            field = full.removeprefix(f"{SUPERCONTAINERS}.")
            subsystem = field.partition(".")[0]
        elif schema:
            subsystem, field = schema, full.removeprefix(f"{schema}.")
        else:
            subsystem, _, field = full.rpartition(".")
        if not subsystem or not field:
            raise DeclarationError(
                f"{known('attribute', name, SHORT)}; others have dotted names, such as {SHORT['arch']}", path=place
            )
        fields = self.found.setdefault(subsystem, {})
        text = _spelling(full, value, place)
        if fields.setdefault(field, text) != text:
            problem = f"found {full!r} a second time, {brief(value)} after {brief(fields[field])}, expected one value"
            raise DeclarationError(problem, path=place)


def _sorted(name: str) -> bool:
    return name.startswith((f"{ARCHSPEC}.", f"{SUPERCONTAINERS}."))


def _spelling(name: str, value: str, place: str) -> str:
    """Return a value as it is compared."""
    if name in _SPELT:
        lower = value.casefold()
        text = _SPELT[name].get(lower, lower)
        if name == SHORT["gpu"] and text not in ("yes", "no"):
            raise DeclarationError(f"found {brief(value)}, expected 'yes' or 'no'", path=place)
        return text
    if name == SHORT["glibc"]:
        version = _VERSION.search(value)
        if version is None:
            raise DeclarationError(f"found {brief(value)}, expected a version such as '2.34'", path=place)
        return version[0]  # 2.34-100.el9 would be a pre-release in the order of versions
    return value


def _specs(document: object, stem: str) -> Iterator[tuple[str, Mapping[str, Mapping[str, str]]]]:
    """Yield name and attributes of everything that a document describes."""
    if isinstance(document, list):
        if not document:
            raise DeclarationError("found an empty list, expected objects with `image` and `attributes`")
        for number, entry in enumerate(document):
            said = _expect(entry, dict, f"[{number}]", "an object with `image` and `attributes`")
            name = said.get("image", said.get("name"))
            yield (
                _expect(name, str, f"[{number}].image", "the name of an image"),
                _one(said.get("attributes"), f"[{number}].attributes"),
            )
        return
    said = _expect(document, dict, "", f"an object: a {KIND}, OCI annotations or attributes")
    if "kind" in said:
        yield _compatibility_spec(said, stem)
    elif "manifests" in said:
        yield from _index(said, stem)
    elif "annotations" in said:
        yield _called(said["annotations"], stem), _one(said["annotations"], "annotations")
    elif "attributes" in said:
        yield _named(said, "name", stem), _one(said["attributes"], "attributes")
    else:
        yield _named(said, "name", stem), _one({key: value for key, value in said.items() if key != "name"}, "")


def _one(given: object, place: str) -> dict[str, dict[str, str]]:
    attributes = _Attributes()
    attributes.add(given, place)
    return _some(attributes, place)


def _some(attributes: _Attributes, place: str) -> dict[str, dict[str, str]]:
    if not attributes.found:
        raise DeclarationError(f"found no attributes, expected at least one, such as {SHORT['arch']}", path=place)
    return attributes.found


def _compatibility_spec(said: Mapping[str, Any], stem: str) -> tuple[str, dict[str, dict[str, str]]]:
    if said["kind"] != KIND:
        raise DeclarationError(f"found {brief(said['kind'])}, expected {KIND!r}", path="kind")
    attributes = _Attributes()
    if "attributes" in said:
        attributes.add(said["attributes"], "attributes")
    listed = _expect(said.get("compatibilities", []), list, "compatibilities", "a list")
    for number, entry in enumerate(listed):
        place = f"compatibilities[{number}]"
        _expect(entry, dict, place, "an object with `name` and `attributes`")
        schema = _expect(entry.get("name"), str, f"{place}.name", "the name of a schema")
        for key in ("attributes", "annotations"):
            if key in entry:
                attributes.add(entry[key], f"{place}.{key}", schema)
    metadata = _expect(said.get("metadata", {}), dict, "metadata", "an object with `name`")
    return _named(metadata, "metadata.name", stem), _some(attributes, "compatibilities")


def _index(said: Mapping[str, Any], stem: str) -> Iterator[tuple[str, dict[str, dict[str, str]]]]:
    """Yield the manifests of an index; those that say nothing of compatibility (signatures) are passed over."""
    shared = _expect(said.get("annotations", {}), dict, "annotations", "an object of attributes")
    listed = _expect(said["manifests"], list, "manifests", "a list")
    count = 0
    for number, entry in enumerate(listed):
        place = f"manifests[{number}]"
        _expect(entry, dict, place, "an object with `annotations`")
        own = _expect(entry.get("annotations", {}), dict, f"{place}.annotations", "an object of attributes")
        attributes = _Attributes()
        attributes.add(own, f"{place}.annotations")
        platform = _expect(entry.get("platform", {}), dict, f"{place}.platform", "an object")
        arch = _expect(platform.get("architecture", "unknown"), str, f"{place}.platform.architecture", "a string")
        if arch != "unknown" and SHORT["arch"] not in own:
            attributes.add({SHORT["arch"]: arch}, f"{place}.platform")
        if attributes.found:
            attributes.add({key: value for key, value in shared.items() if key not in own}, "annotations")
            count += 1
            yield _called(own, f"{stem}[{number}]"), attributes.found
    if not count:
        raise DeclarationError("found no manifest with attributes, expected at least one", path="manifests")


def _named(said: Mapping[str, Any], place: str, stem: str) -> str:
    name: str = _expect(said.get("name", stem), str, place, "a name")
    return name or stem


def _called(annotations: object, otherwise: str) -> str:
    """Return the reference of an image; a tag of OCI layouts, or a whole name."""
    name = annotations.get(REFERENCE) if isinstance(annotations, dict) else None
    return name if isinstance(name, str) and name else otherwise
