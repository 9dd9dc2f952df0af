"""The experiments that ship with pytest-compat, one folder each."""
