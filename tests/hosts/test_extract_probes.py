"""What each probe makes of what it sees, and of what it does not see."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import archspec.cpu
import pytest
from extract_hosts import FauxHost, found, origins

from pytest_compat.hosts.extraction.gpu import see_gpus
from pytest_compat.hosts.extraction.host import Host, ProbeError
from pytest_compat.hosts.extraction.mpi import see_mpi
from pytest_compat.hosts.extraction.probes import extract
from pytest_compat.hosts.extraction.processor import see_processor
from pytest_compat.hosts.extraction.spack import see_spack
from pytest_compat.hosts.extraction.system import see_system


@pytest.fixture
def faux(tmp_path: Path) -> FauxHost:
    return FauxHost(tmp_path)


def silent(note: str) -> None:
    raise AssertionError(note)


class TestCommands:
    def test_standard_error_is_no_part_of_the_answer(self, faux: FauxHost) -> None:
        faux.command("tool", "yes\n", script="echo warning >&2")
        assert faux.host().ask("tool") == "yes\n"

    def test_the_locale_is_neutral(self, faux: FauxHost) -> None:
        faux.command("tool", script='echo "$LC_ALL $LANGUAGE"')
        host = faux.host()
        assert Host(host.name, host.machine, env={**host.env, "LC_ALL": "fr_FR.UTF-8"}).ask("tool") == "C C\n"

    def test_a_failure_says_the_last_line(self, faux: FauxHost) -> None:
        faux.command("tool", "first\n", status=9, script="echo no driver >&2")
        with pytest.raises(ProbeError, match=r"^tool --all: exit status 9 \(no driver\)$"):
            faux.host().ask("tool", "--all")

    def test_one_that_hangs_is_given_up(self, faux: FauxHost) -> None:
        faux.command("tool", script="exec /bin/sleep 60")
        with pytest.raises(ProbeError, match=r"^tool: no end within 0\.2 seconds$"):
            faux.host().ask("tool", seconds=0.2)

    def test_without_a_path_there_are_no_commands(self) -> None:
        with pytest.raises(ProbeError, match="sh: not on PATH"):
            Host("a", "x86_64").ask("sh")


class TestProcessor:
    def targets(self, faux: FauxHost, monkeypatch: pytest.MonkeyPatch, name: str) -> list[str]:
        monkeypatch.setattr(archspec.cpu, "host", lambda: archspec.cpu.TARGETS[name])
        machine = archspec.cpu.TARGETS[name].family.name
        vertices = found(see_processor(faux.host(machine=machine), silent))
        return [vertex["cpu.target"] for vertex in vertices if "cpu.target" in vertex]

    def test_it_comes_first_and_all_that_it_is_compatible_with_after(
        self, faux: FauxHost, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        targets = self.targets(faux, monkeypatch, "zen3")
        assert targets[0] == "zen3"
        assert {"zen2", "zen", "x86_64_v3", "x86_64_v2", "x86_64", "amd64"} < set(targets)
        assert not {"zen4", "x86_64_v4", "skylake", "neoverse_n1", "arm64", "aarch64"} & set(targets)
        assert len(targets) == len(set(targets))

    def test_arm_is_called_as_images_call_it_too(self, faux: FauxHost, monkeypatch: pytest.MonkeyPatch) -> None:
        targets = self.targets(faux, monkeypatch, "neoverse_n1")
        assert {"neoverse_n1", "aarch64", "arm64"} < set(targets)
        assert not {"x86_64", "amd64", "neoverse_v1"} & set(targets)

    def test_families_without_another_name_have_one(self, faux: FauxHost, monkeypatch: pytest.MonkeyPatch) -> None:
        assert self.targets(faux, monkeypatch, "power9le") == ["power9le", "power8le", "ppc64le"]

    def test_vendor_model_and_features_are_there(self, faux: FauxHost, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(archspec.cpu, "host", lambda: archspec.cpu.TARGETS["zen3"])
        faux.file("/proc/cpuinfo", "vendor_id\t: AuthenticAMD\nmodel name\t: AMD EPYC 7763\n\nmodel name\t: other\n")
        vertices = found(see_processor(faux.host(), silent))
        assert vertices[0] == {
            "cpu.target": "zen3",
            "cpu.family": "x86_64",
            "cpu.vendor": "AuthenticAMD",
            "cpu.model": "AMD EPYC 7763",
        }
        assert {"cpu.feature": "avx2"} in vertices
        assert {"cpu.feature": "avx512f"} not in vertices

    def test_the_kernel_knows_the_vendor_of_what_archspec_calls_generic(
        self, faux: FauxHost, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(archspec.cpu, "host", lambda: archspec.cpu.TARGETS["x86_64_v4"])
        faux.file("/proc/cpuinfo", "vendor_id\t: GenuineIntel\n")
        vertices = see_processor(faux.host(), silent)
        assert found(vertices)[0]["cpu.vendor"] == "GenuineIntel"
        assert origins(vertices)["cpu.vendor"] == "/proc/cpuinfo"

    def test_lscpu_knows_the_model_where_the_kernel_does_not(
        self, faux: FauxHost, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(archspec.cpu, "host", lambda: archspec.cpu.TARGETS["neoverse_n1"])
        faux.file("/proc/cpuinfo", "CPU implementer\t: 0x41\nCPU part\t: 0xd0c\n")
        assert found(see_processor(faux.host(machine="aarch64"), silent))[0]["cpu.model"] == "0xd0c"
        faux.command("lscpu", '{"lscpu": [{"field": "Model name:", "data": "Neoverse-N1"}]}')
        assert found(see_processor(faux.host(machine="aarch64"), silent))[0]["cpu.model"] == "Neoverse-N1"

    def test_without_archspec_there_is_the_family(self, faux: FauxHost, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(sys.modules, "archspec.cpu", None)
        notes: list[str] = []
        assert found(see_processor(faux.host(machine="aarch64"), notes.append)) == [
            {"cpu.target": "aarch64", "cpu.family": "aarch64"},
            {"cpu.target": "arm64"},
        ]
        assert "pytest-compat[hosts]" in notes[0]


UBUNTU = """PRETTY_NAME="Ubuntu 22.04.3 LTS"
VERSION_ID="22.04"
VERSION="22.04.3 LTS (Jammy Jellyfish)"
ID=ubuntu
ID_LIKE=debian
"""
ROCKY = """NAME="Rocky Linux"
VERSION="9.3 (Blue Onyx)"
ID="rocky"
ID_LIKE="rhel centos fedora"
VERSION_ID="9.3"
PRETTY_NAME="Rocky Linux 9.3 (Blue Onyx)"
"""
DEBIAN = "PRETTY_NAME='Debian GNU/Linux 12 (bookworm)'\nVERSION_ID=12\nID=debian\n"


class TestSystem:
    def test_an_ubuntu_is_told_as_its_images_are(self, faux: FauxHost) -> None:
        faux.file("/etc/os-release", UBUNTU)
        faux.command("getconf", "glibc 2.35\n")
        assert found(see_system(faux.host(), silent)) == [
            {
                "os.vendor": "ubuntu",
                "os.version": "22.04",
                "os.release": "22.04.3",
                "os.name": "Ubuntu 22.04.3 LTS",
                "os.full": "ubuntu22.04",
                "os.glibc": "2.35",
            }
        ]

    def test_of_enterprise_linux_the_major_version_stands_for_it_too(self, faux: FauxHost) -> None:
        faux.file("/usr/lib/os-release", ROCKY)
        faux.command("getconf", "glibc 2.34\n")
        vertices = found(see_system(faux.host(), silent))
        assert [vertex["os.full"] for vertex in vertices] == ["rocky9.3", "rocky9"]
        assert (vertices[0]["os.release"], vertices[0]["os.version"]) == ("9.3", "9.3")

    @pytest.mark.parametrize(("text", "release"), [("12.11\n", "12.11"), ("trixie/sid\n", "12")])
    def test_debian_keeps_its_point_release_elsewhere(self, faux: FauxHost, text: str, release: str) -> None:
        faux.files({"/etc/os-release": DEBIAN, "/etc/debian_version": text})
        assert found(see_system(faux.host(), lambda _: None))[0]["os.release"] == release

    def test_without_glibc_nothing_is_said_of_it(self, faux: FauxHost) -> None:
        faux.file("/etc/os-release", DEBIAN)
        notes: list[str] = []
        assert "os.glibc" not in found(see_system(faux.host(), notes.append))[0]
        assert notes == ["os.glibc, getconf: not on PATH"]

    @pytest.mark.parametrize("text", ["", "NOTHING\n", "ID='unclosed\n", "\0\0"])
    def test_an_os_release_of_nothing_is_no_system(self, faux: FauxHost, text: str) -> None:
        faux.file("/etc/os-release", text)
        with pytest.raises(ProbeError, match="/etc/os-release: says nothing"):
            see_system(faux.host(), lambda _: None)

    def test_without_an_os_release_both_places_are_named(self, faux: FauxHost) -> None:
        with pytest.raises(ProbeError, match=r"^os, /etc/os-release: No such .*; /usr/lib/os-release: No such"):
            see_system(faux.host(), silent)


HYDRA = "HYDRA build details:\n    Version:                                 4.0.2\n    Release Date: x\n"


class TestMpi:
    @pytest.mark.parametrize(
        ("said", "implementation", "version"),
        [
            ("mpirun (Open MPI) 4.1.4\n\nReport bugs to http://www.open-mpi.org/\n", "openmpi", "4.1.4"),
            ("mpirun (Open MPI) 5.0.0rc12\n", "openmpi", "5.0.0rc12"),
            ("mpirun (OpenRTE) 4.0.3\n", "openmpi", "4.0.3"),
            (HYDRA, "mpich", "4.0.2"),
            ("Intel(R) MPI Library for Linux* OS, Version 2021.8 Build 20221129\n", "intel-mpi", "2021.8"),
            ("Intel(R) MPI Library for Linux* OS, Version 2018 Update 3 Build 1\n", "intel-mpi", "2018.3"),
        ],
    )
    def test_a_launcher_tells_what_it_is(self, faux: FauxHost, said: str, implementation: str, version: str) -> None:
        faux.command("mpirun", said)
        (vertex,) = found(see_mpi(faux.host(), silent))
        assert vertex == {"mpi.implementation": implementation, "mpi.version": version}

    @pytest.mark.parametrize(
        ("said", "implementation", "version"),
        [
            ("MPICH Version:    \t4.0.3\nMPICH Release date: x\n", "mpich", "4.0.3"),
            ("MVAPICH2 Version:     \t2.3.7\nMVAPICH2 Release date: x\n", "mvapich", "2.3.7"),
            ("CRAY MPICH version 8.1.25.17 (ANL base 3.4a2)\n", "cray-mpich", "8.1.25.17"),
        ],
    )
    def test_the_launcher_of_mpich_has_several_owners(
        self, faux: FauxHost, said: str, implementation: str, version: str
    ) -> None:
        faux.command("mpiexec", HYDRA)
        faux.command("mpichversion", said)
        (vertex,) = found(see_mpi(faux.host(), lambda _: None))
        assert vertex == {"mpi.implementation": implementation, "mpi.version": version}

    def test_of_two_the_first_is_told_and_the_other_said_to_be_left_out(self, faux: FauxHost) -> None:
        faux.command("mpirun", "mpirun (Open MPI) 4.1.4\n")
        faux.command("mpiexec", HYDRA)
        notes: list[str] = []
        assert found(see_mpi(faux.host(), notes.append))[0]["mpi.implementation"] == "openmpi"
        assert len(notes) == 1
        assert "mpich 4.0.2, which is left out as mpirun --version" in notes[0]

    def test_a_launcher_that_fails_makes_room_for_the_next(self, faux: FauxHost) -> None:
        faux.command("mpirun", status=1)
        faux.command("ompi_info", "Open MPI v4.1.4\n\nhttps://www.open-mpi.org/community/help/\n")
        vertices = see_mpi(faux.host(), silent)
        assert found(vertices)[0]["mpi.version"] == "4.1.4"
        assert origins(vertices)["mpi.version"].startswith("ompi_info --version (")

    def test_one_of_no_known_kind_is_none(self, faux: FauxHost) -> None:
        faux.command("mpirun", "slurm 23\n")
        with pytest.raises(ProbeError, match=r"mpirun --version: of no implementation that is known; mpiexec: not on"):
            see_mpi(faux.host(), silent)


NVIDIA_VERSION = (
    "NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.104.05  Sat Aug 19 01:15:15 UTC 2023\nGCC version: 12\n"
)
OPEN_VERSION = "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  550.54.15  Release Build\n"


class TestGpus:
    def test_no_source_is_no_gpu_and_says_what_was_looked_at(self, faux: FauxHost) -> None:
        count, vertices = see_gpus(faux.host(), silent)
        assert (count, found(vertices)) == (0, [{"hardware.gpu.available": "no"}])
        assert "nvidia-smi: not on PATH" in origins(vertices)["hardware.gpu.available"]

    def test_nvidia_smi_knows_models_and_driver(self, faux: FauxHost) -> None:
        faux.command("nvidia-smi", "NVIDIA A100-SXM4-40GB, 535.104.05\n" * 4)
        count, vertices = see_gpus(faux.host(), lambda _: None)
        assert count == 4
        assert found(vertices) == [
            {
                "hardware.gpu.available": "yes",
                "hardware.gpu.vendor": "nvidia",
                "hardware.gpu.driver": "535.104.05",
                "hardware.gpu.model": "NVIDIA A100-SXM4-40GB",
            }
        ]

    @pytest.mark.parametrize(("text", "driver"), [(NVIDIA_VERSION, "535.104.05"), (OPEN_VERSION, "550.54.15")])
    def test_the_driver_tells_where_nvidia_smi_fails(self, faux: FauxHost, text: str, driver: str) -> None:
        faux.command("nvidia-smi", "Failed to initialize NVML\n", status=15)
        faux.files({"/proc/driver/nvidia/version": text, "/dev/nvidia0": "", "/dev/nvidiactl": ""})
        for number in range(2):
            faux.file(f"/proc/driver/nvidia/gpus/0000:0{number}:00.0/information", "Model: \t\t Tesla V100\nIRQ: 1\n")
        notes: list[str] = []
        count, vertices = see_gpus(faux.host(), notes.append)
        assert (count, found(vertices)[0]["hardware.gpu.driver"]) == (1, driver)
        assert notes[0] == "hardware, /proc/driver/nvidia: names 2 and /dev has 1 of nvidia[0-9]*; no others count"
        assert any("Failed to initialize NVML" in note for note in notes)

    def test_rocm_smi_is_read_in_any_case(self, faux: FauxHost) -> None:
        said = {
            "card1": {"Card Series": "MI250X"},
            "card0": {"Card series": "MI250X"},
            "system": {"Driver version": "6.3"},
        }
        faux.command("rocm-smi", json.dumps(said))
        count, vertices = see_gpus(faux.host(), lambda _: None)
        assert count == 2
        assert found(vertices)[0]["hardware.gpu.driver"] == "6.3"
        assert found(vertices)[0]["hardware.gpu.model"] == "MI250X"

    @pytest.mark.parametrize("text", ["", "[]", "WARNING", "{]"])
    def test_a_rocm_smi_that_says_something_else_is_none(self, faux: FauxHost, text: str) -> None:
        faux.command("rocm-smi", text)
        assert see_gpus(faux.host(), silent)[0] == 0

    def card(self, faux: FauxHost, name: str, vendor: str, pci: str = "0000:41:00.0") -> None:
        device = f"/sys/devices/{pci}"
        faux.files({f"{device}/vendor": f"{vendor}\n", f"{device}/drm/renderD128/dev": "226:128"})
        faux.link(f"/sys/class/drm/{name}/device", device)

    @pytest.mark.parametrize(("vendor", "name"), [("0x1002", "amd"), ("0x10de", "nvidia"), ("0x8086", "intel")])
    def test_the_kernel_tells_the_vendor(self, faux: FauxHost, vendor: str, name: str) -> None:
        self.card(faux, "card0", vendor)
        faux.file("/sys/class/drm/card0-DP-1/status")
        faux.file("/dev/dri/renderD128")
        count, vertices = see_gpus(faux.host(), lambda _: None)
        assert (count, found(vertices)[0]["hardware.gpu.vendor"]) == (1, name)

    def test_a_card_that_a_container_was_not_given_does_not_count(self, faux: FauxHost) -> None:
        self.card(faux, "card0", "0x1002")
        notes: list[str] = []
        assert see_gpus(faux.host(), notes.append)[0] == 0
        assert notes == ["hardware, /sys/class/drm/card0: names 1 and /dev/dri has 0 of renderD128; no others count"]

    def test_displays_and_graphics_of_processors_do_not_count(self, faux: FauxHost) -> None:
        self.card(faux, "card0", "0x1234")
        self.card(faux, "card1", "0x8086", "0000:00:02.0")
        faux.file("/dev/dri/renderD128")
        notes: list[str] = []
        assert see_gpus(faux.host(), notes.append)[0] == 0
        assert len(notes) == 1

    def test_what_a_tool_knows_the_kernel_does_not_count_again(self, faux: FauxHost) -> None:
        faux.command("nvidia-smi", "NVIDIA A100, 535.1\n")
        self.card(faux, "card0", "0x10de")
        faux.file("/dev/dri/renderD128")
        assert see_gpus(faux.host(), lambda _: None)[0] == 1


class TestSpack:
    SPECS = (
        {"name": "ior", "version": "3.3.0", "hash": "a"},
        {"name": "ior", "version": "4.0.0", "hash": "b"},
        {"name": "ior", "version": "3.3.0", "hash": "c"},
        {"name": "gcc", "version": "12.2.0", "hash": "d"},
    )

    def spack(self, faux: FauxHost, specs: str, version: str = "0.22.1 (abc)") -> None:
        faux.command("spack", script=f'case "$1" in --version) echo "{version}"; exit 0;; esac', output=specs)

    def test_each_package_is_a_field_with_a_vertex_per_version(self, faux: FauxHost) -> None:
        self.spack(faux, json.dumps(self.SPECS))
        assert found(see_spack(faux.host(), silent)) == [
            {"version": "0.22.1"},
            {"gcc": "12.2.0"},
            {"ior": "3.3.0"},
            {"ior": "4.0.0"},
        ]

    @pytest.mark.parametrize("said", ["==> No package", "{", '[{"name": "x"}]', "[1]", "7"])
    def test_packages_that_are_none_leave_the_version(self, faux: FauxHost, said: str) -> None:
        self.spack(faux, said)
        notes: list[str] = []
        assert found(see_spack(faux.host(), notes.append)) == [{"version": "0.22.1"}]
        assert notes == ["spack, spack find --json: not the JSON expected"]

    def test_with_neither_there_is_no_spack(self, faux: FauxHost) -> None:
        self.spack(faux, "", version="unknown")
        with pytest.raises(ProbeError, match="neither its version nor its packages"):
            see_spack(faux.host(), lambda _: None)


def test_with_everything_missing_there_is_still_a_node(faux: FauxHost, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "archspec.cpu", None)
    node = extract(faux.host(cpus=frozenset({0})))
    assert (node.sockets, node.memory, node.gpus) == ((1,), None, 0)
    assert list(node.subsystems) == ["io.archspec", "hardware"]
    said = "\n".join(node.notes)
    assert all(
        f"\n{each}" in f"\n{said}"
        for each in ("cores, lstopo", "memory, ", "os, ", "mpi, ", "spack, ", "io.archspec, ")
    )


def test_archspec_is_not_imported_before_it_is_needed() -> None:
    code = "import sys, pytest_compat.hosts.extraction.probes; sys.exit('archspec' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
