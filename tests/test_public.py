"""The names people can import from the package itself."""

from __future__ import annotations

import subprocess
import sys

import pytest

import pytest_compat


@pytest.mark.parametrize("name", pytest_compat.__all__)
def test_every_public_name_is_there_and_documented(name: str) -> None:
    assert getattr(pytest_compat, name).__doc__


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = pytest_compat.nothing


def test_importing_the_package_imports_nothing_else_of_it() -> None:
    code = "import sys, pytest_compat; print([name for name in sys.modules if name.startswith('pytest_compat.')])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
