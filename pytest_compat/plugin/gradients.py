"""Experiments at scale: from the `compat_gradient` marker to a case that was run."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_compat.plugin.state import GRADIENT, SETTINGS

if TYPE_CHECKING:
    from pytest_compat.scale.run import GradientCase

MARKER = "compat_gradient"
MARKER_HELP = (
    "compat_gradient(experiment): run the test on an experiment at scale, given as the path of its YAML file relative "
    "to the test, which uses the fixture compat_gradient."
)
KEPT = "pytest-compat-gradients"
"""Folder of pytest's cache in which an interrupted run finds what was done."""


@pytest.fixture
def compat_gradient(request: pytest.FixtureRequest) -> GradientCase:
    """An experiment at scale, run: its small part through the scheduler, or with --compat-scale=full the whole.

    Recorded for the report when the test ends, whether it passes or fails.
    """
    from pytest_compat.errors import CompatError, printable

    marker = request.node.get_closest_marker(MARKER)
    if marker is None or len(marker.args) != 1 or marker.kwargs or not isinstance(marker.args[0], str | Path):
        pytest.fail(f"compat_gradient takes @pytest.mark.{MARKER}('gradient.yaml') and nothing else", pytrace=False)
    problem = ""
    try:
        case = _run(request.config, (request.path.parent / marker.args[0]).resolve())
    except CompatError as error:
        problem = printable(str(error))
    if problem:  # outside of the except, so that pytest tells this and not how it came about
        pytest.fail(problem, pytrace=False)
    request.node.stash[GRADIENT] = case.gradient.plain()
    return case


def check_marked(metafunc: pytest.Metafunc) -> None:
    """Refuse a test that is marked and does not use the fixture: it would pass and measure nothing.

    Raises:
        pytest.Collector.CollectError: This is one.
    """
    marked = any(mark.name == MARKER for mark in metafunc.definition.own_markers)
    if marked and "compat_gradient" not in metafunc.fixturenames:
        raise pytest.Collector.CollectError(
            f"compat_gradient: {metafunc.definition.name} measures nothing: it does not use the fixture compat_gradient"
        )


def _run(config: pytest.Config, path: Path) -> GradientCase:
    from pytest_compat.plugin.progress import progress_board
    from pytest_compat.scale.declared import load_gradient
    from pytest_compat.scale.run import measure

    settings = config.stash[SETTINGS]
    experiment = load_gradient(path)
    cache = getattr(config, "cache", None)
    run = partial(
        measure,
        experiment,
        settings.scale,
        seed=settings.seed,
        scheduler=settings.scheduler,
        engine=settings.engine,
        folder=None if cache is None else cache.mkdir(KEPT),
    )
    board = progress_board(config)
    if board is None:
        return run()
    with board.level(experiment.name, settings.scale) as told:
        return run(told=partial(told, "submit"))
