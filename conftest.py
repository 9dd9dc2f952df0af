"""Fixtures for the tests of this project; everything else comes with the plugin."""

pytest_plugins = ["pytester"]
