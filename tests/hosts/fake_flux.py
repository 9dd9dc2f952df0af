"""A `flux` for tests: it writes down how it is called, runs what is submitted at once, and answers as Flux does.

Run as `fake_flux.py FOLDER ARGUMENT...`; FOLDER has `calls.jsonl`, and a file for every job.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

NODES = 2
"""Nodes there are; a request for more can never be met."""


def options(words: list[str]) -> tuple[dict[str, list[str]], list[str]]:
    """Options by name, and what comes after them."""
    found: dict[str, list[str]] = {}
    while words and words[0].startswith("-"):
        name, _, value = words.pop(0).partition("=")
        found.setdefault(name, []).append(value if value or name in ("--exclusive",) else words.pop(0))
    return found, words


def submit(folder: Path, verb: str, words: list[str]) -> int:
    said, rest = options(words)
    (name,) = said["--job-name"]
    if (folder / f"refuse-{name}").exists():
        print(f"flux-{verb}: ERROR: refused", file=sys.stderr)
        return 1
    events: list[dict[str, Any]] = [{"timestamp": 1.0, "name": "submit"}]
    job = {"name": name, "attributes": dict(each.split("=", 1) for each in said.get("--setattr", []))}
    awaited = [read(folder, each.removeprefix("afterok:")) for each in said.get("--dependency", [])]
    failed = [each for each in awaited if each["status"] != 0]
    if failed and (folder / "late").exists():
        print("flux-submit: ERROR: dependency will never be satisfied", file=sys.stderr)
        return 1
    job["status"], job["output"] = 1, ""
    if failed:
        events.append(exception("dependency", "afterok: a job has failed"))
    elif int(said.get("-N", ["1"])[0]) > NODES:
        events.append(exception("alloc", "unsatisfiable request: not enough nodes"))
    else:
        script = sys.stdin.read() if verb == "batch" and not rest else None
        command = ["bash", *rest] if verb == "batch" else rest
        ended = subprocess.run(command, input=script or "", capture_output=True, text=True, check=False)
        job["status"], job["output"] = ended.returncode, ended.stdout + ended.stderr
        status = ended.returncode << 8 if ended.returncode >= 0 else -ended.returncode
        events += [{"timestamp": 2.0, "name": "start"}]
        events += [{"timestamp": 5.5, "name": "finish", "context": {"status": status}}]
    events.append({"timestamp": 6.0, "name": "clean"})
    number = len(list(folder.glob("job-*")))
    (folder / f"job-{number}").write_text(json.dumps({**job, "events": events}), encoding="utf-8")
    print(f"ƒ{number}")
    return 0


def exception(type: str, note: str) -> dict[str, Any]:
    return {"timestamp": 1.5, "name": "exception", "context": {"type": type, "severity": 0, "note": note}}


def read(folder: Path, id: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / f"job-{id.removeprefix('ƒ')}").read_text(encoding="utf-8"))
    return found


def main(folder: Path, *words: str) -> int:
    with (folder / "calls.jsonl").open("a", encoding="utf-8") as calls:
        calls.write(json.dumps(["flux", *words]) + "\n")
    match words:
        case ["resource", "list"]:
            return int((folder / "away").exists())
        case ["submit" | "batch" as verb, *rest]:
            return submit(folder, verb, rest)
        case ["jobs", *_]:
            for path in folder.glob("job-*"):
                print(f"ƒ{path.name.removeprefix('job-')} {json.loads(path.read_text(encoding='utf-8'))['name']}")
        case ["job", "info", id, "jobspec"]:
            handover = read(folder, id)["attributes"].get("user.handover")
            print(json.dumps({"attributes": {"user": {"handover": handover}, "system": {}}}))
        case ["job", "wait-event", "--quiet", id, "clean"]:
            read(folder, id)
        case ["job", "eventlog", "--format=json", id]:
            print("\n".join(map(json.dumps, read(folder, id)["events"])))
        case ["job", "attach", id]:
            print(read(folder, id)["output"], end="")
            return int(read(folder, id)["status"])
        case ["job", "status", *ids]:
            return max(int(read(folder, id)["status"]) for id in ids)
        case _:
            raise SystemExit(f"unknown command {words}")
    return 0


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
    sys.exit(main(Path(sys.argv[1]), *sys.argv[2:]))
