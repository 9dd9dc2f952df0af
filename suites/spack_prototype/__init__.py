"""A Spack job through rainbow to the cluster that can build and run it."""
