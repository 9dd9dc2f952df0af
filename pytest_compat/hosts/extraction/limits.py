"""What control groups leave of a host: in a container the files of the kernel show all of the machine.

Versions 1 and 2 are read (https://docs.kernel.org/admin-guide/cgroup-v2.html), of this process' group and all above it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import PurePosixPath

from pytest_compat.hosts.extraction.host import Host, ProbeError

MOUNT = "/sys/fs/cgroup"

Limit = tuple[float, str]
"""A limit, and the file it stands in."""


def cpu_limit(host: Host) -> Limit | None:
    """Return how many CPUs the time of this process' groups is limited to, None for no limit."""
    found: list[Limit] = []
    for folder, second in _folders(host, "cpu"):
        with suppress(ProbeError, ValueError):
            if second:
                path = f"{folder}/cpu.max"
                quota, period = host.read(path).split()
            else:
                path = f"{folder}/cpu.cfs_quota_us"
                quota, period = host.read(path), host.read(f"{folder}/cpu.cfs_period_us")
            if int(quota) > 0 and int(period) > 0:  # version 1 says -1 for no limit, version 2 `max`
                found.append((int(quota) / int(period), path))
    return min(found, default=None)


def memory_limit(host: Host) -> Limit | None:
    """Return how many bytes of memory this process' groups are limited to, None for no limit."""
    found: list[Limit] = []
    for folder, second in _folders(host, "memory"):
        path = f"{folder}/{'memory.max' if second else 'memory.limit_in_bytes'}"
        with suppress(ProbeError, ValueError):
            found.append((int(host.read(path)), path))
    return min(found, default=None)


def _folders(host: Host, controller: str) -> Iterator[tuple[str, bool]]:
    """Yield the folders that may say something of a controller, and whether they are of version 2."""
    try:
        lines = [line.split(":", 2) for line in host.read("/proc/self/cgroup").splitlines()]
    except ProbeError:
        lines = [["0", "", "/"]]
    for line in lines:
        if len(line) != 3:
            continue
        _, controllers, group = line
        if not controllers:
            mounts = [MOUNT, f"{MOUNT}/unified"]
        elif controller in controllers.split(","):
            mounts = list(dict.fromkeys([f"{MOUNT}/{controller}", f"{MOUNT}/{controllers}"]))
        else:
            continue
        # A container may be told its path on the machine and see its own group at the mount, which is the last here.
        above = PurePosixPath("/", group.lstrip("/"))
        for mount in mounts:
            for each in (above, *above.parents):
                yield f"{mount}{each}".rstrip("/"), not controllers
