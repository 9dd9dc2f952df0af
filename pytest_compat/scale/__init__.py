"""Experiments at a scale at which submissions are counted and no longer listed: millions of them."""
