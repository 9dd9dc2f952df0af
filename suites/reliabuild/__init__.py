"""Spack builds on clusters of randomly chosen versions."""
