"""Builds of packages as data: what was built with what and what became of it, real or generated."""
