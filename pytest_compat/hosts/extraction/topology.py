"""Sockets, cores and memory of a host: those that are there, and of them those that may be used."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from xml.etree import ElementTree

from pytest_compat.hosts.extraction.host import Host, Note, ProbeError
from pytest_compat.hosts.extraction.limits import cpu_limit, memory_limit
from pytest_compat.hosts.extraction.node import Fact, Facts

MIB = 2**20

Threads = Mapping[int, tuple[str, str]]
"""Socket and core by hardware thread."""


def see_cores(host: Host, note: Note) -> tuple[tuple[int, ...], Facts]:
    """Return how many cores may be used, by socket, and where that comes from.

    The threads that the process is bound to (cpusets of containers bind as well) decide which cores those are, and the
    CPU time of its control groups how many of them.
    """
    threads, origin = _threads(host, note)
    if host.cpus is not None and (usable := {cpu: threads[cpu] for cpu in threads if cpu in host.cpus}):
        if len(usable) < len(threads):
            note(f"of {len(threads)} hardware threads seen this process may use {len(usable)}; no others count")
        threads = usable
    sockets: dict[str, set[str]] = {}
    for _, (socket, core) in sorted(threads.items()):
        sockets.setdefault(socket, set()).add(core)
    cores = [len(sockets[socket]) for socket in sockets]
    limit = cpu_limit(host)
    if limit is not None and (most := max(1, int(limit[0]))) < sum(cores):
        note(f"of {sum(cores)} cores seen {most} count, as CPU time is limited to {limit[0]:g} CPUs ({limit[1]})")
        origin = f"{origin}; {limit[1]}"
        cores = _first(cores, most)
    return tuple(cores), (Fact("sockets", str(len(cores)), origin), Fact("cores", str(sum(cores)), origin))


def see_memory(host: Host, note: Note) -> tuple[int, Facts]:
    """Return how much memory may be used, in MiB, and where that comes from.

    Raises:
        ProbeError: The kernel does not say.
    """
    origin = "/proc/meminfo"
    found = re.search(r"^MemTotal:\s*(\d+) kB", host.read(origin), re.MULTILINE)
    if found is None:
        raise ProbeError(f"{origin}: no MemTotal")
    total = int(found[1]) * 1024
    limit = memory_limit(host)
    if limit is not None and limit[0] < total:
        note(f"of {total // MIB} MiB of memory seen {int(limit[0]) // MIB} count, as memory is limited ({limit[1]})")
        total, origin = int(limit[0]), f"{origin}; {limit[1]}"
    return total // MIB, (Fact("memory", f"{total // MIB} MiB", origin),)


def _first(cores: list[int], most: int) -> list[int]:
    kept: list[int] = []
    for count in cores:
        if sum(kept) < most:
            kept.append(min(count, most - sum(kept)))
    return kept


def _threads(host: Host, note: Note) -> tuple[Threads, str]:
    """Return the hardware threads of the first source that knows any."""
    sources: tuple[Callable[[Host], tuple[Threads, str]], ...] = (_hwloc, _lscpu, _sysfs, _cpuinfo)
    for source in sources:
        try:
            threads, origin = source(host)
        except ProbeError as error:
            note(f"cores, {error}")
            continue
        if threads:
            return threads, origin
        note(f"cores, {origin}: names no CPU")
    cpus = host.cpus or {0}
    note(f"cores: nothing says which are in one socket; {len(cpus)} that this process may use count as one socket")
    return {cpu: ("0", str(cpu)) for cpu in cpus}, "the CPUs that this process is bound to"


def _hwloc(host: Host) -> tuple[Threads, str]:
    command = next((name for name in ("lstopo-no-graphics", "lstopo") if host.which(name)), "lstopo")
    origin = f"{command} --of xml"
    try:
        root = ElementTree.fromstring(host.ask(*origin.split()))  # noqa: S314, a program of this very host wrote it
    except ElementTree.ParseError as error:
        raise ProbeError(f"{origin}: no XML ({error})") from None
    threads: dict[int, tuple[str, str]] = {}
    _descend(root, "0", None, threads)
    return threads, origin


def _descend(element: ElementTree.Element, socket: str, core: str | None, threads: dict[int, tuple[str, str]]) -> None:
    kind, number = element.get("type"), element.get("os_index", "")
    if kind in ("Package", "Socket"):  # the latter before hwloc 1.11
        socket = element.get("cpuset", number)
    elif kind == "Core":
        core = element.get("cpuset", number)
    elif kind == "PU" and number.isdecimal():
        threads[int(number)] = (socket, core or number)
    for child in element:
        _descend(child, socket, core, threads)


def _lscpu(host: Host) -> tuple[Threads, str]:
    origin = "lscpu -J -e=CPU,CORE,SOCKET"
    try:
        rows = json.loads(host.ask(*origin.split()))["cpus"]
        # Before util-linux 2.33 all values are strings, and `-` is one that is not known.
        return {int(row["cpu"]): (str(row["socket"]), str(row["core"])) for row in rows if row["core"] != "-"}, origin
    except (ValueError, KeyError, TypeError, RecursionError):
        raise ProbeError(f"{origin}: not the JSON expected") from None


def _sysfs(host: Host) -> tuple[Threads, str]:
    origin = "/sys/devices/system/cpu"
    threads = {}
    for folder in host.path(origin).glob("cpu[0-9]*"):
        topology = f"{origin}/{folder.name}/topology"
        siblings = _line(host, f"{topology}/core_cpus_list") or _line(host, f"{topology}/thread_siblings_list")
        if siblings and folder.name[3:].isdecimal():  # a thread that is offline has none
            threads[int(folder.name[3:])] = (_line(host, f"{topology}/physical_package_id"), siblings)
    return threads, origin


def _line(host: Host, path: str) -> str:
    try:
        return host.read(path).strip()
    except ProbeError:
        return ""


def _cpuinfo(host: Host) -> tuple[Threads, str]:
    origin = "/proc/cpuinfo"
    threads = {}
    for block in re.split(r"\n\s*\n", host.read(origin)):
        said = dict(re.findall(r"^([\w ]+?)\s*:\s*(.*?)\s*$", block, re.MULTILINE))
        number = said.get("processor", "")
        if number.isdecimal():
            socket = said.get("physical id", "0")
            threads[int(number)] = (socket, f"{socket}/{said.get('core id', f'cpu {number}')}")
    return threads, origin
