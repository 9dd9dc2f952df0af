"""The config file of rainbow's clients, YAML: where the scheduler is, who this cluster is, and tokens to submit with.

The file is the one that the PyPI client `rainbow-scheduler` reads and writes. What it has beyond the keys used here is
kept as it is.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from pytest_compat.declare.reading import expect, load_yaml, read_text
from pytest_compat.errors import DeclarationError

GRAPHS = "graphs"
"""A key of ours: by cluster, the folder of the graphs it was registered with, to say why a job fits nowhere."""


@dataclass(frozen=True)
class Config:
    """What a client knows.

    Args:
        host: HOST:PORT of rainbow.
        secret: The registration secret; empty when it is not known.
        cluster: Name of the cluster that this machine is; empty when it is none.
        cluster_secret: What that cluster receives its jobs with.
        tokens: By cluster, what to submit to it with.
        graphs: By cluster, the folder of its graphs.
        document: The whole file.
    """

    host: str = "127.0.0.1:50051"
    secret: str = ""
    cluster: str = ""
    cluster_secret: str = ""
    tokens: Mapping[str, str] = field(default_factory=dict)
    graphs: Mapping[str, str] = field(default_factory=dict)
    document: Mapping[str, Any] = field(default_factory=dict)

    def registered(self, name: str, secret: str, token: str, graphs: Path) -> Config:
        """Return the config of a cluster that was just registered."""
        return replace(self.knowing(name, token, graphs), cluster=name, cluster_secret=secret)

    def knowing(self, name: str, token: str, graphs: Path) -> Config:
        """Return the config of somebody who may submit to a cluster, and knows its graphs."""
        return replace(self, tokens={**self.tokens, name: token}, graphs={**self.graphs, name: str(graphs)})

    def deleted(self, name: str) -> Config:
        """Return the config without a cluster."""
        tokens, graphs = (
            {other: each for other, each in had.items() if other != name} for had in (self.tokens, self.graphs)
        )
        own = ("", "") if self.cluster == name else (self.cluster, self.cluster_secret)
        return replace(self, tokens=tokens, graphs=graphs, cluster=own[0], cluster_secret=own[1])

    def plain(self) -> dict[str, Any]:
        """Return the file's content."""
        document = {key: each for key, each in self.document.items() if key not in ("cluster", "clusters", GRAPHS)}
        scheduler = {"name": "rainbow", **document.get("scheduler", {})}
        if self.secret:
            scheduler["secret"] = self.secret
        scheduler.setdefault("algorithms", {"selection": {"name": "random"}, "match": {"name": "match"}})
        database = {"name": "memory", **document.get("graphdatabase", {})}
        database["options"] = {**database.get("options", {}), "host": self.host}
        document |= {"scheduler": scheduler, "graphdatabase": database}
        document["cluster"] = {"name": self.cluster, "secret": self.cluster_secret} if self.cluster else {}
        document["clusters"] = [{"name": name, "token": token} for name, token in self.tokens.items()]
        if self.graphs:
            document[GRAPHS] = dict(self.graphs)
        return document


def read_config(path: Path) -> Config:
    """Read a config.

    Raises:
        DeclarationError: It is missing or is not what it has to be.
    """
    try:
        document = expect(DeclarationError, load_yaml(read_text(path)), dict, "", "an object")
        scheduler, database, cluster = (
            expect(DeclarationError, document.get(key, {}), dict, key, "an object")
            for key in ("scheduler", "graphdatabase", "cluster")
        )
        options = expect(DeclarationError, database.get("options", {}), dict, "graphdatabase.options", "an object")
        clusters = expect(DeclarationError, document.get("clusters", []), list, "clusters", "a list")
        graphs = expect(DeclarationError, document.get(GRAPHS, {}), dict, GRAPHS, "an object")
        tokens = {}
        for number, each in enumerate(clusters):
            place = f"clusters[{number}]"
            expect(DeclarationError, each, dict, place, "an object with `name` and `token`")
            name, token = (_text(each.get(key), f"{place}.{key}") for key in ("name", "token"))
            if name in tokens:
                raise DeclarationError(f"found the cluster {name!r} again", path=place)
            tokens[name] = token
        return Config(
            host=_text(options.get("host") or database.get("host") or Config.host, "graphdatabase.options.host"),
            secret=_text(scheduler.get("secret", ""), "scheduler.secret"),
            cluster=_text(cluster.get("name", ""), "cluster.name"),
            cluster_secret=_text(cluster.get("secret", ""), "cluster.secret"),
            tokens=tokens,
            graphs={name: _text(folder, f"{GRAPHS}.{name}") for name, folder in graphs.items()},
            document=document,
        )
    except DeclarationError as error:
        raise error.within(str(path)) from None


def write_config(config: Config, path: Path) -> None:
    """Write a config whole or not at all, readable by its owner alone, as it has secrets.

    Raises:
        OSError: It cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # which nobody else may read
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            yaml.safe_dump(config.plain(), file, sort_keys=False)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _text(found: object, place: str) -> str:
    text: str = expect(DeclarationError, found, str, place, "a string")
    return text
