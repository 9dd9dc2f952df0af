"""How to run LAMMPS: one case per level and variant, on a measured machine and on a modelled one."""

import pytest


@pytest.mark.compat("experiment.yaml")
def test_x86(compat_case, compat_cluster):
    """What was said to be given this variant is what it received."""
    compat_case.check()


@pytest.mark.compat("arm.yaml")
def test_arm(compat_case, compat_cluster):
    """The same on the modelled machine."""
    compat_case.check()
