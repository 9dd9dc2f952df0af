"""Spack builds on clusters of randomly chosen versions: a small part through a scheduler, or all of it in batches."""

import pytest

for name in ("pandas", "pyarrow", "sklearn"):
    pytest.importorskip(name, reason=f"takes {name}: pip install 'pytest-compat[models]'")


@pytest.mark.compat_gradient("gradient.yaml")
def test_reliabuild(compat_gradient):
    """As many builds succeed at each level as its exact law allows."""
    compat_gradient.check()
