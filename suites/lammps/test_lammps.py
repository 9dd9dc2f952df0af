"""LAMMPS on 48 faux clusters: one case per compatibility level and cluster."""

import pytest


@pytest.mark.compat("experiment.yaml")
def test_lammps(compat_case, compat_cluster):
    """What this cluster received is what the scheduler said it was assigned."""
    compat_case.check()
