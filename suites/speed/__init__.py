"""How fast the embedded rainbow and the matcher are, beside something comparable in the same run."""
