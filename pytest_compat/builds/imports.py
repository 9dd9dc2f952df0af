"""Tables of builds out of Spack's spec files and label tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from pytest_compat.builds.dataset import Dataset, Excluded
from pytest_compat.builds.labels import assign, read_labels
from pytest_compat.builds.spack import Build, find_specs, read_spec
from pytest_compat.errors import DeclarationError, brief

SHORT = 7
"""Characters of a hash that Spack itself shows."""


def import_builds(paths: Sequence[Path], tables: Sequence[Path]) -> Dataset:
    """Read spec files and label tables.

    A build is called in label tables by its hash, whole or the first seven characters, `package/hash`, the path of its
    file as given or below a folder that was given, the file's name, or that up to the first dot.

    Args:
        paths: Spec files, and folders of them.
        tables: Label tables; without any the builds have no labels, for a model to predict.

    Returns:
        The builds in the order of their files. Without a label in any table they are left out, and so are specs
        that other files have too.

    Raises:
        DeclarationError: A file cannot be read, or says what another contradicts; no build is left.
    """
    import pandas

    excluded, remarks = [], []
    builds: dict[str, Build] = {}
    repeated = []
    for path in find_specs(paths):
        build = read_spec(path)
        before = builds.setdefault(build.spec, build)
        if before is not build:
            if _content(before) != _content(build):
                raise DeclarationError(
                    f"found the spec {brief(build.spec)}, which is another build in {before.file}", source=str(path)
                )
            repeated.append(build)
    if repeated:
        excluded.append(Excluded(f"files such as {repeated[0].file}", "another file has that spec", len(repeated)))
    kept = list(builds.values())
    if twice := [build for build in kept if build.twice]:
        remarks.append(
            f"{len(twice)} builds have a dependency in several versions, such as {twice[0].twice[0]} in "
            f"{twice[0].file}: the one that is linked or run is kept, then the nearest"
        )
    columns: dict[str, list[object]] = {}
    if tables:
        labels, unknown = assign(read_labels(tables), [list(_names(build, paths)) for build in kept])
        if unknown:
            remarks.append(f"{len(unknown)} rows of label tables fit no build, such as {brief(unknown[0])}")
        pairs = [(build, label) for build, label in zip(kept, labels, strict=True) if label is not None]
        if missing := [build for build, label in zip(kept, labels, strict=True) if label is None]:
            what = f"specs such as {brief(missing[0].spec)} ({missing[0].file})"
            excluded.append(Excluded(what, "no label table has them", len(missing)))
        if not pairs:
            raise DeclarationError(f"found labels for none of {len(kept)} builds: {'; '.join(remarks)}")
        kept = [build for build, _ in pairs]
        columns = {
            "label": [label.label for _, label in pairs],
            "error_cluster": [label.error_cluster for _, label in pairs],
        }
    frame = pandas.DataFrame(
        {
            "spec": [build.spec for build in kept],
            "package": [build.package for build in kept],
            "version": [build.version for build in kept],
            "compiler": [build.compiler[0] for build in kept],
            "compiler_version": [build.compiler[1] for build in kept],
            **columns,
            "variants": [build.variants for build in kept],
            "dep_names": [list(build.dependencies) for build in kept],
            "dep_versions": [list(build.dependencies.values()) for build in kept],
            "direct_deps": [list(build.direct) for build in kept],
        }
    )
    if "error_cluster" in frame.columns:
        frame["error_cluster"] = frame["error_cluster"].astype("Int32")
    return Dataset(frame, tuple(excluded), tuple(remarks))


def _content(build: Build) -> tuple[object, ...]:
    return (build.package, build.version, build.compiler, build.variants, build.dependencies, build.direct)


def _names(build: Build, paths: Sequence[Path]) -> Iterator[str]:
    yield build.spec
    yield build.spec[:SHORT]
    yield f"{build.package}/{build.spec}"
    yield str(build.file)
    yield from (str(build.file.relative_to(path)) for path in paths if build.file.is_relative_to(path))
    yield build.file.name
    yield build.file.name.partition(".")[0]
