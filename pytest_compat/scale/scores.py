"""Probabilities of success of jobs on clusters, worked out for the jobs asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_compat.errors import DeclarationError
from pytest_compat.scale.bits import unpacked
from pytest_compat.scale.problem import Step

if TYPE_CHECKING:
    import pandas

    from pytest_compat.builds.dataset import Dataset
    from pytest_compat.builds.environments import Environments
    from pytest_compat.builds.truth import Truth
    from pytest_compat.models.training import Models


class Meeting:
    """1 where a cluster meets all that a job requires, revealed or not, and 0 elsewhere.

    Args:
        steps: All that jobs require.
        clusters: How many clusters there are.
    """

    def __init__(self, steps: Sequence[Step], clusters: int) -> None:
        self._steps, self._clusters = steps, clusters

    def block(self, jobs: Any) -> Any:
        """Return the scores of some jobs on every cluster."""
        import numpy

        met = numpy.ones((len(jobs), self._clusters), dtype=bool)
        for step in self._steps:
            _, rows, places = numpy.intersect1d(jobs, step.jobs, assume_unique=True, return_indices=True)
            met[rows] &= unpacked(step.masks[step.wants[places]], self._clusters)
        return met.astype(numpy.float32)

    def digest(self) -> bytes:
        """Return nothing: it follows from what jobs require and clusters have."""
        return b""


class TruthScores:
    """The truth that builds were generated with.

    Args:
        truth: The truth.
        jobs: The builds.
        clusters: What is installed where.
    """

    def __init__(self, truth: Truth, jobs: pandas.DataFrame, clusters: Environments) -> None:
        self._chances = truth.on(jobs, clusters)

    def block(self, jobs: Any) -> Any:
        """Return the scores of some jobs on every cluster."""
        import numpy

        return self._chances.success(jobs).astype(numpy.float32)

    def digest(self) -> bytes:
        """Return what changes when any of them does."""
        return _digest(self._chances.own, self._chances.family, self._chances.parts)


class ModelScores:
    """What a model of each package says: what a job fixes, and what the versions on clusters add.

    Args:
        models: Of the packages.
        jobs: The builds.
        clusters: What is installed where.
    """

    def __init__(self, models: Models, jobs: pandas.DataFrame, clusters: Environments) -> None:
        import numpy

        from pytest_compat.models.features import read_features, split_packages

        self._calibration = models.calibration
        self._clusters = len(clusters.names)
        self._package = numpy.zeros(len(jobs), dtype=numpy.int64)
        self._within = numpy.zeros(len(jobs), dtype=numpy.int64)
        self._base: list[float] = []
        self._parts: list[tuple[Any, Any, Any] | None] = []
        versions = _installed(clusters)
        for number, (package, rows) in enumerate(split_packages(jobs).items()):
            found = models.packages.get(package)
            self._package[rows], self._within[rows] = number, numpy.arange(len(rows))
            self._base.append(models.base_rate(package))
            model = found.model if found is not None else None
            if model is None:
                self._parts.append(None)
                continue
            features = read_features(jobs.iloc[rows])
            self._parts.append(
                (
                    model.job_part(features),
                    model.has(features),
                    # Sums of multiples of 2^-30 are exact in any order, so that a score is the same in a block of any
                    # size and with any number of threads.
                    numpy.rint(model.dependency_part(versions, self._clusters) * 2.0**30) * 2.0**-30,
                )
            )

    def block(self, jobs: Any) -> Any:
        """Return the scores of some jobs on every cluster."""
        import numpy

        found = numpy.empty((len(jobs), self._clusters), dtype=numpy.float32)
        packages = self._package[jobs]
        for number in numpy.unique(packages).tolist():
            rows = numpy.flatnonzero(packages == number)
            parts = self._parts[number]
            if parts is None:
                found[rows] = self._base[number]
                continue
            own, has, adds = parts
            within = self._within[jobs[rows]]
            found[rows] = self._calibration.probabilities(own[within][:, None] + has[within].astype(float) @ adds)
        return found

    def digest(self) -> bytes:
        """Return what changes when any of them does."""
        parts = [array for found in self._parts if found is not None for array in found]
        said = repr((self._calibration, self._base, [found is None for found in self._parts])).encode()
        return said + _digest(self._package, self._within, *parts)

    @classmethod
    def of(
        cls, name: str, place: str, folder: Path, dataset: Dataset, jobs: pandas.DataFrame, clusters: Environments
    ) -> tuple[ModelScores, list[str]]:
        """Return the scores of a kind of model, trained on a table of builds, or of models that are stored.

        Args:
            name: A kind of model, or the path of stored ones.
            place: Where that stands.
            folder: What paths are relative to.
            dataset: The builds to train on.
            jobs: The builds to score.
            clusters: What is installed where.

        Raises:
            DeclarationError: It is neither.
        """
        from pytest_compat.models.fit import KINDS
        from pytest_compat.models.stored import load
        from pytest_compat.models.training import read_builds, train

        if name in KINDS:
            builds, left_out = read_builds(dataset.frame)
            models = train(builds, name, left_out=left_out)
        elif (folder / name).exists():
            models = load(folder / name)
        else:
            kinds = ", ".join(("truth", "meets", *KINDS))
            raise DeclarationError(f"found {name!r}, expected one of {kinds}, or the path of stored models", path=place)
        without = [f"{package}: {found.why}" for package, found in models.packages.items() if found.model is None]
        remarks = [f"{name}: {each}" for each in models.left_out]
        if without:
            remarks.append(f"{name}: {len(without)} packages have their base rate, such as {without[0]}")
        return cls(models, jobs, clusters), remarks


def _installed(clusters: Environments) -> Mapping[str, Sequence[str]]:
    import numpy

    return {
        name: numpy.array((*versions, ""), dtype=object)[codes].tolist()
        for name, versions, codes in zip(clusters.subsystems, clusters.versions, clusters.codes, strict=True)
    }


def _digest(*arrays: Any) -> bytes:
    import numpy

    found = blake2b(digest_size=16)
    for array in arrays:
        found.update(repr((array.shape, array.dtype)).encode() + numpy.ascontiguousarray(array).tobytes())
    return found.digest()
