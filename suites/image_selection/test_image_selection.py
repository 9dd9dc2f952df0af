"""A container image for a host: one case per mode and image, on both architectures."""

import pytest


@pytest.mark.compat("experiment.yaml")
def test_amd64(compat_case, compat_cluster):
    """What was said to be given this image is what it received."""
    compat_case.check()


@pytest.mark.compat("arm64.yaml")
def test_arm64(compat_case, compat_cluster):
    """The same declaration, for the other architecture."""
    compat_case.check()
