"""Cores and memory: those that are there, and of them those that may be used."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from extract_hosts import FauxHost

from pytest_compat.hosts.extraction.host import ProbeError
from pytest_compat.hosts.extraction.topology import see_cores, see_memory

V1 = "12:cpu,cpuacct:/docker/abc\n11:memory:/docker/abc\n"
V2 = "0::/kubepods/pod1\n"


def hwloc(package: str = "Package") -> str:
    """Two sockets of two cores of two threads, whose cores are numbered anew in each socket."""
    lines = []
    for socket in range(2):
        lines.append(f'<object type="{package}" os_index="{socket}" cpuset="s{socket}"><object type="L3Cache">')
        for core in range(2):
            first = 4 * socket + 2 * core
            threads = "".join(f'<object type="PU" os_index="{first + thread}"/>' for thread in range(2))
            lines.append(f'<object type="Core" os_index="{core}" cpuset="c{socket}{core}">{threads}</object>')
        lines.append("</object></object>")
    head = '<?xml version="1.0"?>\n<!DOCTYPE topology SYSTEM "hwloc2.dtd">\n'
    return f'{head}<topology version="2.0"><object type="Machine">{"".join(lines)}</object></topology>'


def give_sysfs(faux: FauxHost, sockets: int, cores: int, threads: int = 1) -> None:
    for socket in range(sockets):
        for core in range(cores):
            first = (socket * cores + core) * threads
            for thread in range(threads):
                folder = f"/sys/devices/system/cpu/cpu{first + thread}/topology"
                faux.file(f"{folder}/physical_package_id", f"{socket}\n")
                faux.file(f"{folder}/core_cpus_list", f"{first}-{first + threads - 1}\n")


def cores(faux: FauxHost, cpus: frozenset[int] | None = None) -> tuple[tuple[int, ...], str, list[str]]:
    notes: list[str] = []
    sockets, facts = see_cores(faux.host(cpus=cpus), notes.append)
    assert [fact.value for fact in facts] == [str(len(sockets)), str(sum(sockets))]
    return sockets, facts[0].origin, notes


@pytest.fixture
def faux(tmp_path: Path) -> FauxHost:
    return FauxHost(tmp_path)


@pytest.mark.parametrize("package", ["Package", "Socket"])
@pytest.mark.parametrize("command", ["lstopo", "lstopo-no-graphics"])
def test_hwloc_is_asked_first(faux: FauxHost, command: str, package: str) -> None:
    faux.command(command, hwloc(package))
    give_sysfs(faux, 1, 1)
    assert cores(faux) == ((2, 2), f"{command} --of xml", [])


@pytest.mark.parametrize("row", [lambda *row: row, lambda *row: map(str, row)])
def test_then_lscpu_in_either_of_its_forms(faux: FauxHost, row) -> None:
    rows = [dict(zip(("cpu", "core", "socket"), row(cpu, cpu // 2, cpu // 4), strict=True)) for cpu in range(8)]
    faux.command("lscpu", json.dumps({"cpus": rows}))
    sockets, origin, notes = cores(faux)
    assert (sockets, origin) == ((2, 2), "lscpu -J -e=CPU,CORE,SOCKET")
    assert notes == ["cores, lstopo: not on PATH"]


def test_then_sysfs(faux: FauxHost) -> None:
    give_sysfs(faux, 2, 3, 2)
    faux.file("/sys/devices/system/cpu/cpu99/online", "0")
    faux.file("/sys/devices/system/cpu/cpufreq/boost", "1")
    assert cores(faux)[:2] == ((3, 3), "/sys/devices/system/cpu")


def test_then_cpuinfo(faux: FauxHost) -> None:
    blocks = [f"processor\t: {cpu}\nphysical id\t: {cpu // 2}\ncore id\t\t: 0\n" for cpu in range(4)]
    faux.file("/proc/cpuinfo", "\n".join(blocks))
    assert cores(faux)[:2] == ((1, 1), "/proc/cpuinfo")


def test_a_cpuinfo_without_sockets_is_one(faux: FauxHost) -> None:
    faux.file("/proc/cpuinfo", "processor\t: 0\nBogoMIPS\t: 50\n\nprocessor\t: 1\nBogoMIPS\t: 50\n\nHardware\t: x\n")
    assert cores(faux)[0] == (2,)


def test_with_nothing_at_all_the_affinity_counts(faux: FauxHost) -> None:
    sockets, _, notes = cores(faux, frozenset({4, 7}))
    assert sockets == (2,)
    assert notes[-1].startswith("cores: nothing says which are in one socket")


@pytest.mark.parametrize("text", ["", "<topology", "<topology/>"])
def test_an_hwloc_that_says_nothing_useful_is_passed_over(faux: FauxHost, text: str) -> None:
    faux.command("lstopo", text)
    give_sysfs(faux, 1, 2)
    sockets, origin, notes = cores(faux)
    assert (sockets, origin) == ((2,), "/sys/devices/system/cpu")
    assert notes[0].startswith("cores, lstopo --of xml: ")


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"cpus": [{"cpu": "x"}]}', '{"cpus": 1}', "[" * 100_000])
def test_an_lscpu_that_says_something_else_is_passed_over(faux: FauxHost, text: str) -> None:
    faux.command("lscpu", text)
    give_sysfs(faux, 1, 2)
    assert cores(faux)[1] == "/sys/devices/system/cpu"


def test_threads_of_others_do_not_count(faux: FauxHost) -> None:
    faux.command("lstopo", hwloc())
    sockets, _, notes = cores(faux, frozenset({0, 1, 5}))
    assert sockets == (1, 1)
    assert notes == ["of 8 hardware threads seen this process may use 3; no others count"]


QUOTAS = [
    (V2, {"/sys/fs/cgroup/kubepods/pod1/cpu.max": "300000 100000\n"}, (2, 1)),
    (V2, {"/sys/fs/cgroup/kubepods/cpu.max": "100000 100000\n"}, (1,)),
    (V2, {"/sys/fs/cgroup/cpu.max": "150000 100000\n"}, (1,)),  # what a container sees of its own group
    (V2, {"/sys/fs/cgroup/cpu.max": "50000 100000\n"}, (1,)),
    (V2, {"/sys/fs/cgroup/cpu.max": "max 100000\n"}, (2, 2)),
    (V2, {"/sys/fs/cgroup/cpu.max": "junk"}, (2, 2)),
    (V2, {"/sys/fs/cgroup/cpu.max": "200000 100000", "/sys/fs/cgroup/kubepods/cpu.max": "300000 100000"}, (2,)),
    (
        V1,
        {
            "/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "200000",
            "/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000",
        },
        (2,),
    ),
    (
        V1,
        {
            "/sys/fs/cgroup/cpu/docker/abc/cpu.cfs_quota_us": "-1",
            "/sys/fs/cgroup/cpu/docker/abc/cpu.cfs_period_us": "100000",
        },
        (2, 2),
    ),
]


@pytest.mark.parametrize(("groups", "files", "left"), QUOTAS)
def test_cpu_time_limits_how_many_cores_count(
    faux: FauxHost, groups: str, files: dict[str, str], left: tuple[int, ...]
) -> None:
    faux.command("lstopo", hwloc())
    faux.files({"/proc/self/cgroup": groups, **files})
    sockets, origin, notes = cores(faux)
    assert sockets == left
    limited = sum(left) < 4
    assert bool(notes) == limited
    assert (sum(path in origin for path in files) == 1) == limited


@pytest.mark.parametrize(
    ("groups", "path", "text", "mib"),
    [
        (V2, "/sys/fs/cgroup/memory.max", str(2**30), 1024),
        (V2, "/sys/fs/cgroup/memory.max", "max", 4096),
        (V2, "/sys/fs/cgroup/kubepods/memory.max", str(2**20), 1),
        (V1, "/sys/fs/cgroup/memory/docker/abc/memory.limit_in_bytes", str(2**29), 512),
        (V1, "/sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712", 4096),
        ("junk\n", "/sys/fs/cgroup/memory.max", "1", 4096),
    ],
)
def test_memory_is_what_there_is_or_what_is_left_of_it(
    faux: FauxHost, groups: str, path: str, text: str, mib: int
) -> None:
    faux.files(
        {"/proc/self/cgroup": groups, path: text, "/proc/meminfo": "MemTotal:        4194304 kB\nMemFree: 1 kB\n"}
    )
    notes: list[str] = []
    memory, (fact,) = see_memory(faux.host(), notes.append)
    assert memory == mib
    assert (path in fact.origin) == bool(notes) == (mib < 4096)


def test_without_meminfo_memory_is_not_known(faux: FauxHost) -> None:
    with pytest.raises(ProbeError, match="/proc/meminfo: No such file"):
        see_memory(faux.host(), print)
