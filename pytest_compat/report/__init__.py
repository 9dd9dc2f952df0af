"""A verdict and its records as people and programs read them."""
