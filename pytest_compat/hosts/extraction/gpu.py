"""Subsystem `hardware`: GPUs, their vendor and their driver; and how many of them there are."""

from __future__ import annotations

import json
import re
from collections import Counter

from pytest_compat.hosts.extraction.host import Host, Note, ProbeError
from pytest_compat.hosts.extraction.node import Fact, Facts

AVAILABLE = "hardware.gpu.available"

VENDORS = {"0x10de": "nvidia", "0x1002": "amd", "0x8086": "intel"}
"""By PCI id; other displays (of virtual machines, of management boards) compute nothing."""

Gpu = tuple[str, str, str, str]
"""Vendor, version of the driver, model, and where that was read; what is not known is empty."""


def see_gpus(host: Host, note: Note) -> tuple[int, tuple[Facts, ...]]:
    """Return how many GPUs there are, and a vertex per kind of GPU, or one that says there is none."""
    found: list[Gpu] = []
    problems = []
    for see in (_nvidia_smi, _nvidia_driver, _rocm_smi, _drm):
        try:
            seen = see(host, note)
        except ProbeError as error:
            problems.append(str(error))
            continue
        there = {vendor for vendor, *_ in found}
        found += [gpu for gpu in seen if gpu[0] not in there]  # one source per vendor, the best that answers
    if not found:
        return 0, ((Fact(AVAILABLE, "no", "; ".join(problems) or "nothing says that there is one"),),)
    for problem in problems:
        note(f"hardware, {problem}")
    return len(found), tuple(_vertex(*gpu) for gpu in Counter(found))


def _vertex(vendor: str, driver: str, model: str, origin: str) -> Facts:
    texts = {
        AVAILABLE: "yes",
        "hardware.gpu.vendor": vendor,
        "hardware.gpu.driver": driver,
        "hardware.gpu.model": model,
    }
    return tuple(Fact(field, text, origin) for field, text in texts.items() if text)


def _nvidia_smi(host: Host, _: Note) -> list[Gpu]:
    origin = "nvidia-smi --query-gpu=name,driver_version --format=csv,noheader"
    rows = [line.rpartition(",") for line in host.ask(*origin.split()).splitlines()]
    return [("nvidia", driver.strip(), name.strip(), origin) for name, comma, driver in rows if comma]


def _nvidia_driver(host: Host, note: Note) -> list[Gpu]:
    origin = "/proc/driver/nvidia"
    version = re.search(r"Kernel Module\b.*?\s([0-9]+(?:\.[0-9]+)+)\s", host.read(f"{origin}/version"))
    folders = sorted(folder.name for folder in host.path(f"{origin}/gpus").glob("*"))
    found: list[Gpu] = []
    for name in folders:
        model = re.search(r"^Model:\s*(.+?)\s*$", host.read(f"{origin}/gpus/{name}/information"), re.MULTILINE)
        found.append(("nvidia", version[1] if version else "", model[1] if model else "", origin))
    return _with_device(host, note, found, origin, "dev", "nvidia[0-9]*")


def _rocm_smi(host: Host, _: Note) -> list[Gpu]:
    origin = "rocm-smi --showproductname --showdriverversion --json"
    try:
        said = json.loads(host.ask(*origin.split()))
        driver = next((text for key, text in said.get("system", {}).items() if key.casefold() == "driver version"), "")
        cards = [said[name] for name in sorted(said) if re.fullmatch(r"card[0-9]+", name)]
        names = [{key.casefold(): text for key, text in card.items()} for card in cards]
    except (ValueError, AttributeError, RecursionError):
        raise ProbeError(f"{origin}: not the JSON expected") from None
    return [("amd", str(driver), str(name.get("card series", "")), origin) for name in names]


def _drm(host: Host, note: Note) -> list[Gpu]:
    """Return the GPUs that the kernel knows and that this process, maybe in a container, has a device file of."""
    origin = "/sys/class/drm"
    if not host.path(origin).is_dir():
        raise ProbeError(f"{origin}: No such file or directory")
    found: list[Gpu] = []
    for card in sorted(host.path(origin).glob("card*")):
        vendor = VENDORS.get(_line(host, f"{origin}/{card.name}/device/vendor"))
        if vendor is None or not re.fullmatch(r"card[0-9]+", card.name):  # card0-DP-1 is a connector
            continue
        if vendor == "intel" and (card / "device").resolve().name == "0000:00:02.0":
            note(f"hardware, {origin}/{card.name}: graphics inside the processor, which do not count as a GPU")
            continue
        module = {"nvidia": "nvidia", "amd": "amdgpu", "intel": "xe"}[vendor]
        gpu = (vendor, _line(host, f"/sys/module/{module}/version"), "", origin)
        nodes = [node.name for node in (card / "device" / "drm").glob("renderD*")]
        pattern = nodes[0] if nodes else card.name
        found += _with_device(host, note, [gpu], f"{origin}/{card.name}", "dev/dri", pattern)
    return found


def _with_device(host: Host, note: Note, gpus: list[Gpu], origin: str, folder: str, pattern: str) -> list[Gpu]:
    """Return as many of some GPUs as there are device files, for a container sees the kernel's lists of all."""
    devices = len(list(host.path(folder).glob(pattern)))
    if devices < len(gpus):
        note(f"hardware, {origin}: names {len(gpus)} and /{folder} has {devices} of {pattern}; no others count")
    return gpus[:devices]


def _line(host: Host, path: str) -> str:
    try:
        return host.read(path).strip()
    except ProbeError:
        return ""
