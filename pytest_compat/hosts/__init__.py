"""Real machines: commands that are run, and what they took."""
