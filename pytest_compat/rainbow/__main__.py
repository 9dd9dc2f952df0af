"""`python -m pytest_compat.rainbow`: serve an embedded rainbow in the foreground."""

from __future__ import annotations

import argparse
import json
import logging
import os
import signal
import sys
import threading

from pytest_compat.errors import CompatError
from pytest_compat.rainbow import DEFAULT_SECRET
from pytest_compat.rainbow.process import SECRET_VARIABLE
from pytest_compat.rainbow.server import serve

GRACE_SECONDS = 5.0


def main(argv: list[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT, or with --attached until standard input closes."""
    parser = argparse.ArgumentParser(prog="python -m pytest_compat.rainbow", description="Serve an embedded rainbow.")
    parser.add_argument("--host", default="127.0.0.1:50051", help="HOST:PORT to listen on, port 0 for a free one")
    parser.add_argument(
        "--attached",
        action="store_true",
        help="stop when standard input closes, that is, when the process that started this one has gone",
    )
    arguments = parser.parse_args(argv)
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr)
    # Whoever reads the address may send a signal at once.
    told = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: told.set())
    try:
        server, address = serve(arguments.host, os.environ.get(SECRET_VARIABLE) or DEFAULT_SECRET)
    except CompatError as error:
        print(f"rainbow: {error}", file=sys.stderr)
        return 1
    print(json.dumps({"address": address}), flush=True)
    if arguments.attached:
        threading.Thread(target=_wait_for_end, args=(told,), daemon=True).start()
    told.wait()
    server.stop(GRACE_SECONDS).wait()
    return 0


def _wait_for_end(told: threading.Event) -> None:
    sys.stdin.read()
    told.set()


if __name__ == "__main__":
    # A thread may still be blocked on standard input; leave without waiting for it.
    code = main()
    sys.stdout.flush()
    os._exit(code)
