"""The folder of manifests: rendered from a pool, and written whole or not at all."""

from __future__ import annotations

import os
import secrets
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from pytest_compat.declare.reading import expect, load_yaml, read_text
from pytest_compat.errors import DeclarationError
from pytest_compat.hosts.kubernetes import clusters as miniclusters
from pytest_compat.hosts.kubernetes import server
from pytest_compat.hosts.kubernetes.settings import Settings
from pytest_compat.model import Cluster

PLACEHOLDER = "replace-me"
"""What stands for secrets in the Secret until somebody fills them in."""

SECRET_FILE = "rainbow/secret.yaml"  # noqa: S105, a name
KIND_FILE = "kind.yaml"
"""It lies apart: `kubectl apply` is given folders, and knows no such object."""


def render(clusters: Iterable[Cluster], settings: Settings, values: Mapping[str, str]) -> dict[str, str]:
    """Return the manifests, by their paths in a folder: the same for the same arguments.

    Args:
        clusters: Each becomes a MiniCluster.
        settings: What people chose.
        values: Registration secret and global token, by their keys in the Secret.

    Raises:
        DeclarationError: A cluster has no nodes, or no name in Kubernetes.
    """
    clusters = tuple(clusters)
    names = miniclusters.names(clusters, settings)
    manifests = {
        KIND_FILE: miniclusters.kind(settings),
        SECRET_FILE: server.secret(settings, values),
        "rainbow/deployment.yaml": server.deployment(settings),
        "rainbow/ingress.yaml": server.ingress(settings),
        "rainbow/service.yaml": server.service(settings),
    }
    for cluster in clusters:
        name = names[cluster.name]
        manifests[f"clusters/{name}.yaml"] = miniclusters.minicluster(cluster, name, settings)
    return {path: yaml.dump(each, Dumper=_Dumper, sort_keys=False, width=120) for path, each in manifests.items()}


def secret_values(folder: Path, *, generate: bool) -> dict[str, str]:
    """Return what the Secret holds: what it has in a folder that was rendered before, else random or placeholders.

    Args:
        folder: Where manifests are, or will be.
        generate: Draw 256 bits for each that is not there.

    Raises:
        DeclarationError: The Secret that is there is none.
    """
    keys = (server.SECRET, server.TOKEN)
    path = folder / SECRET_FILE
    found: Mapping[str, Any] = {}
    if path.exists():
        try:
            document = expect(DeclarationError, load_yaml(read_text(path)), dict, "", "a Secret")
            found = expect(DeclarationError, document.get("stringData"), dict, "stringData", f"{', '.join(keys)}")
            for key in keys:
                if not isinstance(found.get(key), str) or not found[key]:
                    # What is there may be the secret, so it is not shown.
                    raise DeclarationError("found no text, expected some; quote it", path=f"stringData.{key}")
        except DeclarationError as error:
            raise error.within(str(path)) from None
    values = {key: found.get(key, PLACEHOLDER) for key in keys}
    return {
        key: secrets.token_urlsafe(32) if generate and value == PLACEHOLDER else value for key, value in values.items()
    }


def write(files: Mapping[str, str], folder: Path) -> None:
    """Write the files, so that the folder has all of them or is as it was; the Secret is readable by its owner alone.

    Args:
        files: Texts by path in the folder.
        folder: It is made, or replaced if there is nothing in it but files of these names.

    Raises:
        DeclarationError: There is something else in it, or it is the working directory.
        OSError: It cannot be written.
    """
    folder = folder.resolve()
    _check_others(files, folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}.") as scratch:
        fresh, former = Path(scratch, "fresh"), Path(scratch, "former")
        for path, text in files.items():
            _write_file(fresh / path, text, 0o600 if path == SECRET_FILE else 0o644)
        if folder.exists():
            shutil.copymode(folder, fresh)
            folder.rename(former)
        try:
            fresh.rename(folder)
        except BaseException:
            if former.exists():
                former.rename(folder)
            raise


def _check_others(files: Mapping[str, str], folder: Path) -> None:
    if folder.exists() and not folder.is_dir():
        raise DeclarationError("found a file, expected a folder or nothing", source=str(folder))
    if Path.cwd().is_relative_to(folder):
        raise DeclarationError("found the working directory, expected another, as it is replaced", source=str(folder))
    there = (path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir())
    others = sorted({str(path.relative_to(folder)) for path in there} - set(files))
    if others:
        more = f" and {len(others) - 1} more" if len(others) > 1 else ""
        raise DeclarationError(
            f"found {others[0]}{more}, expected nothing that is not written here; give another folder, or remove it",
            source=str(folder),
        )


def _write_file(path: Path, text: str, mode: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


class _Dumper(yaml.SafeDumper):
    """Writes texts of several lines as such, and everything out where it stands."""

    def ignore_aliases(self, data: object) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)
