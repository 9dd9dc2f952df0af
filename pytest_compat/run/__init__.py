"""Running an experiment at a level through a scheduler."""
