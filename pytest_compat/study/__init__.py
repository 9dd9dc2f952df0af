"""What can be said of an experiment without running a scheduler: what metadata is worth, and why not there."""
