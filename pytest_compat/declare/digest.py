"""The content version of an experiment: a digest of all that decides what it measures."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, astuple
from hashlib import sha256
from typing import Any

from pytest_compat.model import Cluster, Graph, Jobspec

DIGITS = 12


def content_version(clusters: Iterable[Cluster], jobs: Iterable[Jobspec], truth: Iterable[Any]) -> str:
    """Return DIGITS hexadecimal digits that change when clusters, jobs or ground truth do.

    The order in which clusters, jobs, vertices, edges and requirements are written has no part in it, as it has none in
    any result; that of the rules of ground truth has.

    Args:
        clusters: The clusters.
        jobs: The jobs with all their requirements.
        truth: The rules of ground truth, dataclasses all.
    """
    graphs: dict[int, str] = {}

    def graph(each: Graph) -> str:
        # Clusters of a pool share their graphs; a thousand of them are a few to digest.
        if id(each) not in graphs:
            vertices = sorted((name, astuple(vertex)) for name, vertex in each.vertices.items())
            graphs[id(each)] = _digest([vertices, sorted(each.contains)])
        return graphs[id(each)]

    content = [
        sorted(
            [each.name, graph(each.containment), sorted((name, graph(hung)) for name, hung in each.subsystems.items())]
            for each in clusters
        ),
        sorted((each.name, _digest(_unordered(asdict(each), "requires", "within"))) for each in jobs),
        [_said(rule) for rule in truth],
    ]
    return _digest(content)[:DIGITS]


def _said(rule: Any) -> dict[str, Any]:
    """Return what a rule says; what it leaves open has no part in it, so that no new kind of rule changes a version."""
    said = {key: sorted(each) if isinstance(each, frozenset) else each for key, each in asdict(rule).items()}
    return {key: each for key, each in said.items() if each or key == "unmet"}


def _unordered(value: Any, *keys: str) -> Any:
    """Return plain data with the lists under these keys sorted, wherever they are."""
    if isinstance(value, dict):
        found = {key: _unordered(each, *keys) for key, each in value.items()}
        return {key: sorted(each, key=_digest) if key in keys else each for key, each in found.items()}
    return [_unordered(each, *keys) for each in value] if isinstance(value, list | tuple) else value


def _digest(content: object) -> str:
    return sha256(json.dumps(content, sort_keys=True, default=str).encode("utf-8", "surrogatepass")).hexdigest()
