"""The wheel: what it holds, and that it works without the checkout."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True)
    (path,) = folder.glob("*.whl")
    return path


def test_it_holds_everything_a_suite_needs(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {
        "pytest_compat/py.typed",
        "pytest_compat/declare/schemas/experiment.json",
        "pytest_compat/report/schema.json",
        "pytest_compat/models/schema.json",
        "pytest_compat/suites/variant_selection/measured/vm-x86-2core/times.csv",
        "pytest_compat/rainbow/proto/rainbow.proto",
        "pytest_compat/suites/lammps/experiment.yaml",
        "pytest_compat/clusters/lammps.yaml",
        "pytest_compat/jobspecs/lammps.yaml",
        "pytest_compat/fixtures/graphs/half-gpu/nodes.json",
    } <= names


def test_it_holds_no_tests_and_nothing_at_top_level(wheel: Path) -> None:
    tops = {name.split("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"pytest_compat"}


def test_its_suites_run_from_an_empty_folder(wheel: Path, tmp_path: Path) -> None:
    site, empty = tmp_path / "site", tmp_path / "empty"
    empty.mkdir()
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(site), str(wheel)]
    subprocess.run(install, check=True, capture_output=True)
    command = [sys.executable, "-m", "pytest", "--pyargs", "pytest_compat.suites.lammps", "--compat-iterations=1"]
    run = subprocess.run(
        command, cwd=empty, env={**os.environ, "PYTHONPATH": str(site)}, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert "384 passed" in run.stdout
    assert "144 submissions at 8 levels" in run.stdout
