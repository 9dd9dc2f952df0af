"""`python -m pytest_compat rainbow`: serve an embedded rainbow in the foreground."""

from __future__ import annotations

import argparse
import json
import logging
import os
import signal
import sys
import threading
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from pytest_compat.declare.reading import expect, load_yaml, read_text
from pytest_compat.errors import DeclarationError, known
from pytest_compat.rainbow import DEFAULT_SECRET
from pytest_compat.rainbow.process import SECRET_VARIABLE, TOKEN_VARIABLE
from pytest_compat.rainbow.server import Server, ServerOptions
from pytest_compat.rainbow.service import MATCHERS, SELECTIONS

GRACE_SECONDS = 10.0
LEVELS = ("debug", "info", "warning", "error")

_expect = partial(expect, DeclarationError)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the flags; those that the Go server has are called as there."""
    parser.add_argument(
        "--host",
        metavar="HOST:PORT",
        default="127.0.0.1:50051",
        help="where to listen, port 0 for a free one (%(default)s)",
    )
    parser.add_argument("--name", help="what the server calls itself in its log (rainbow)")
    parser.add_argument("--db", type=Path, metavar="FILE", help="keep everything in this SQLite file (in memory)")
    parser.add_argument("--cleanup", action="store_true", help="start with an empty database")
    parser.add_argument("--secret", help=f"registration secret; better given as ${SECRET_VARIABLE}")
    parser.add_argument("--global-token", help=f"one token for all clusters; better given as ${TOKEN_VARIABLE}")
    parser.add_argument("--select-algorithm", choices=SELECTIONS, help="for submissions that name none (random)")
    parser.add_argument("--match-algorithm", choices=MATCHERS, help="for questions that name none (match)")
    parser.add_argument("--graph-database", choices=["memory"], help="where graphs are searched (memory)")
    parser.add_argument(
        "--config", type=Path, metavar="FILE", help="YAML as rainbow's clients use it; flags win over it"
    )
    parser.add_argument("--cert", type=Path, metavar="FILE", help="serve TLS with this certificate")
    parser.add_argument("--key", type=Path, metavar="FILE", help="the private key of --cert")
    parser.add_argument(
        "--ca-cert", type=Path, metavar="FILE", help="take only clients with a certificate signed by this"
    )
    parser.add_argument("--loglevel", choices=LEVELS, default="info", help="what is logged (info: a line per call)")
    parser.add_argument("--logformat", choices=["text", "json"], default="text", help="how it is logged")
    parser.add_argument(
        "--attached",
        action="store_true",
        help="stop when standard input closes, that is, when the process that started this one has gone",
    )


def run(arguments: argparse.Namespace) -> int:
    """Serve until SIGTERM or SIGINT, or with --attached until standard input closes; running calls are finished.

    Raises:
        CompatError: The server cannot be started.
    """
    _set_up_log(arguments.loglevel, arguments.logformat)
    # Whoever reads the address may send a signal at once.
    told = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: told.set())
    name, options = read_options(arguments)
    server = Server(options)
    print(json.dumps({"name": name, "address": server.address}), flush=True)
    if arguments.attached:
        threading.Thread(target=_wait_for_end, args=(told,), daemon=True).start()
    told.wait()
    server.stop(GRACE_SECONDS)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)  # a thread may still be blocked on standard input


def read_options(arguments: argparse.Namespace) -> tuple[str, ServerOptions]:
    """Return what the flags, the environment and the config file say together, in this order of precedence.

    Returns:
        What the server calls itself, and what it is to be.

    Raises:
        DeclarationError: The config file is not what it has to be.
    """
    config = _config(arguments.config) if arguments.config else {}
    if arguments.secret == "":
        raise DeclarationError("found nothing, expected a secret", path="--secret")
    if arguments.cleanup and arguments.db is None:
        raise DeclarationError("found no --db to clean up", path="--cleanup")
    options = ServerOptions(
        host=arguments.host,
        secret=arguments.secret or os.environ.get(SECRET_VARIABLE) or config.get("scheduler.secret") or DEFAULT_SECRET,
        token=arguments.global_token or os.environ.get(TOKEN_VARIABLE) or None,
        database=arguments.db,
        cleanup=arguments.cleanup,
        selection=arguments.select_algorithm or config.get("scheduler.algorithms.selection.name") or "random",
        cert=arguments.cert,
        key=arguments.key,
        ca_cert=arguments.ca_cert,
    )
    return arguments.name or config.get("scheduler.name") or "rainbow", options


_ALGORITHMS = {"selection": SELECTIONS, "match": MATCHERS}


def _config(path: Path) -> Mapping[str, str]:
    """Return what a config file says of the scheduler, by path."""
    try:
        document = _expect(load_yaml(read_text(path)), dict, "", "an object with `scheduler`")
        scheduler = _expect(document.get("scheduler"), dict, "scheduler", "an object with its name and secret")
        found = {f"scheduler.{key}": scheduler[key] for key in ("name", "secret") if scheduler.get(key) is not None}
        algorithms = _expect(scheduler.get("algorithms") or {}, dict, "scheduler.algorithms", "an object")
        for kind, names in _ALGORITHMS.items():
            at = f"scheduler.algorithms.{kind}"
            name = _expect(algorithms.get(kind) or {}, dict, at, "an object with its name").get("name")
            if name is not None and name not in names:
                raise DeclarationError(known(f"{kind} algorithm", str(name), names), path=f"{at}.name")
            found |= {f"{at}.name": name} if name is not None else {}
        for at, value in found.items():
            if not isinstance(value, str):
                raise DeclarationError("found no string; quote it to make it one", path=at)  # it may be the secret
        return found
    except DeclarationError as error:
        raise error.within(str(path)) from None


def _wait_for_end(told: threading.Event) -> None:
    sys.stdin.read()
    told.set()


def _set_up_log(level: str, format: str) -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Json() if format == "json" else _Text("%(asctime)s %(levelname)s %(message)s"))
    log = logging.getLogger("pytest_compat")
    log.addHandler(handler)
    log.setLevel(level.upper())


class _Text(logging.Formatter):
    """A line of text per event, in which nothing a client sends can begin another line."""

    def format(self, record: logging.LogRecord) -> str:
        event = getattr(record, "event", None)
        if event is not None:
            record = logging.makeLogRecord(record.__dict__)
            record.msg, record.args = " ".join(f"{key}={json.dumps(value)}" for key, value in event.items()), ()
        return super().format(record)

    def formatMessage(self, record: logging.LogRecord) -> str:
        return _printable(super().formatMessage(record))


def _printable(line: str) -> str:
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in line)


class _Json(logging.Formatter):
    """A JSON object per event."""

    def format(self, record: logging.LogRecord) -> str:
        event = getattr(record, "event", None) or {"message": record.getMessage()}
        if record.exc_info:
            event = {**event, "exception": self.formatException(record.exc_info)}
        return json.dumps({"time": self.formatTime(record), "level": record.levelname, **event})
