"""What the plugin costs a project that does not use it: nothing."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

LATE = ("grpc", "google", "pandas", "jsonschema", "numpy", "yaml", "filelock")


@pytest.mark.parametrize("way", [(), ("-n2",)], ids=["serial", "xdist"])
def test_no_late_import_and_no_process(pytester: pytest.Pytester, way: tuple[str, ...]) -> None:
    pytester.makeconftest(f"""
        import subprocess, sys
        import pytest

        started = []
        sys.addaudithook(lambda event, args: started.append(args) if event == "subprocess.Popen" else None)

        @pytest.fixture(scope="session", autouse=True)
        def idle():
            yield
            late = {LATE!r}
            assert [name for name in late if name in sys.modules] == []
            wings = {{".".join(name.split(".")[:2]) for name in sys.modules if name.startswith("pytest_compat.")}}
            assert wings == {{"pytest_compat.plugin", "pytest_compat.hookspecs"}}
            assert not [args for args in started if "pytest_compat" in str(args)]
    """)
    pytester.makepyfile("def test_plain(): pass")
    pytester.runpytest_subprocess(*way).assert_outcomes(passed=1)


def test_no_output_and_no_file(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_plain(): pass")
    options = ("-p", "no:cacheprovider", "-p", "no:xdist")

    def shown(*more: str) -> list[str]:
        lines = pytester.runpytest_subprocess(*options, *more).outlines
        return [re.sub(r"[\d.]+s|compat-[\d.]+(, )?", "", line) for line in lines]

    assert shown() == shown("-p", "no:compat")
    left = {path.name for path in pytester.path.iterdir() if not path.name.startswith("runpytest-")}
    assert left - {"__pycache__", "stdout", "stderr"} == {"test_no_output_and_no_file.py"}


def test_importing_the_plugin_imports_pytest_alone() -> None:
    code = (
        "import sys, pytest; before = set(sys.modules); import pytest_compat.plugin; print(*set(sys.modules) - before)"
    )
    output = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    imported = set(output.split())
    assert {name for name in imported if name.partition(".")[0] not in sys.stdlib_module_names} == {
        "pytest_compat",
        "pytest_compat.plugin",
        "pytest_compat.plugin.cases",
        "pytest_compat.plugin.collector",
        "pytest_compat.plugin.fixtures",
        "pytest_compat.plugin.gradients",
        "pytest_compat.plugin.options",
        "pytest_compat.plugin.state",
    }


def test_the_plugin_takes_little_of_the_time_to_import() -> None:
    command = [sys.executable, "-X", "importtime", "-c", "import pytest, pytest_compat.plugin"]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stderr.splitlines()
    spent = {name.strip(): int(total) for _, total, name in (line.split("|") for line in lines[1:])}
    print(
        f"pytest_compat.plugin: {spent['pytest_compat.plugin'] / 1000:.1f} ms, pytest: {spent['pytest'] / 1000:.1f} ms"
    )
    assert spent["pytest_compat.plugin"] < spent["pytest"]
