"""Run a server until standard input closes: a program of its own, so that the server goes also when the run is killed.

    python supervise.py COMMAND...

The command is started in a temporary folder and a process group of its own, with `--db FILE` in that folder added.
Its exit status is this program's.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
from contextlib import suppress
from pathlib import Path

GRACE_SECONDS = 5.0


def main(command: list[str]) -> int:
    """Run the command and return its exit status, 127 when it cannot be started."""
    with tempfile.TemporaryDirectory(prefix="pytest-compat-", ignore_cleanup_errors=True) as folder:
        try:
            process = subprocess.Popen(  # noqa: S603, runs what the user named
                [*command, "--db", str(Path(folder, "rainbow.db"))],
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=sys.stderr,
                start_new_session=True,
            )
        except OSError as error:
            print(f"cannot run {error.filename}: {error.strerror}", file=sys.stderr)
            return 127

        def stop() -> None:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(GRACE_SECONDS)
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)

        def stop_at_end_of_input() -> None:
            sys.stdin.buffer.read()
            stop()

        for number in (signal.SIGTERM, signal.SIGINT):
            # In a thread: a handler would wait for what the main thread, which it interrupts, has to notice.
            signal.signal(number, lambda *_: threading.Thread(target=stop, daemon=True).start())
        threading.Thread(target=stop_at_end_of_input, daemon=True).start()
        code = process.wait()
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # whatever it left behind
        return code


if __name__ == "__main__":
    status = main(sys.argv[1:])
    sys.stderr.flush()
    os._exit(status if 0 <= status < 256 else 1)  # the thread may still wait for input
