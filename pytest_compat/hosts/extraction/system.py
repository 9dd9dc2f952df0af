"""Subsystem `os`: the distribution, from os-release (https://www.freedesktop.org/software/systemd/man/os-release.html).

An image's record has the same of the distribution it is made of.
"""

from __future__ import annotations

import re
import shlex

from pytest_compat.hosts.extraction.host import Host, Note, ProbeError
from pytest_compat.hosts.extraction.node import Fact, Facts

FILES = ("/etc/os-release", "/usr/lib/os-release")
DEBIAN_VERSION = "/etc/debian_version"

MAJOR = {"rhel", "fedora", "centos", "suse", "sles"}
"""Distributions, as ID or ID_LIKE has them, that keep compatible all that has one major version."""


def see_system(host: Host, note: Note) -> tuple[Facts, ...]:
    """Return a vertex for the distribution, and a second one where its major version stands for it as well.

    Raises:
        ProbeError: There is no os-release, or it names no distribution.
    """
    said, origin = _release(host)
    vendor, version = said.get("ID", ""), said.get("VERSION_ID", "")
    facts = [
        Fact("os.vendor", vendor, origin),
        Fact("os.version", version, origin),
        _point_release(host, said, origin),
        Fact("os.name", said.get("PRETTY_NAME", said.get("NAME", "")), origin),
        Fact("os.full", f"{vendor}{version}" if vendor and version else "", origin),
        _glibc(host, note),
    ]
    vertices: list[Facts] = [tuple(fact for fact in facts if fact.value)]
    if not vertices[0]:
        raise ProbeError(f"{origin}: says nothing")
    if MAJOR & {vendor, *said.get("ID_LIKE", "").split()} and "." in version:
        full = f"{vendor}{version.partition('.')[0]}"
        vertices.append((Fact("os.full", full, f"{origin}: its major version"),))
    return tuple(vertices)


def _release(host: Host) -> tuple[dict[str, str], str]:
    problems = []
    for path in FILES:
        try:
            text = host.read(path)
        except ProbeError as error:
            problems.append(str(error))
            continue
        said = {}
        for line in text.splitlines():
            key, _, value = line.strip().partition("=")
            try:
                said[key] = " ".join(shlex.split(value, comments=True))
            except ValueError:  # a quotation mark that is not closed
                continue
        return said, path
    raise ProbeError(f"os, {'; '.join(problems)}")


def _point_release(host: Host, said: dict[str, str], origin: str) -> Fact:
    """Return the version with its last part (22.04.3), of which VERSION_ID has the first ones only."""
    version = said.get("VERSION_ID", "")
    if said.get("ID") == "debian":
        try:
            text = host.read(DEBIAN_VERSION).strip()
        except ProbeError:
            text = ""
        if re.fullmatch(r"[0-9]+\.[0-9]+", text):  # testing says `trixie/sid`
            return Fact("os.release", text, DEBIAN_VERSION)
    for key in ("VERSION", "PRETTY_NAME"):
        for found in re.findall(r"[0-9]+(?:\.[0-9]+)*", said.get(key, "")):
            if found == version or found.startswith(f"{version}."):
                return Fact("os.release", found, f"{origin}, {key}")
    return Fact("os.release", version, origin)


def _glibc(host: Host, note: Note) -> Fact:
    origin = "getconf GNU_LIBC_VERSION"
    try:
        found = re.search(r"glibc ([0-9.]+)", host.ask(*origin.split()))
    except ProbeError as error:
        note(f"os.glibc, {error}")
        found = None
    return Fact("os.glibc", found[1] if found else "", origin)
