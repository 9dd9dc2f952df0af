"""Reports made by hand, of ground truth that says why: images for hosts, and ways to run an application."""

from __future__ import annotations

from fractions import Fraction

from html_documents import VERSION, Document, document, exactly, published, run

from pytest_compat.idset import decode


def images() -> Document:
    """Return a report of images for hosts: at two levels jobs are drawn and not all take part, at one all submit."""
    jobs, clusters = ["jammy", "noble", "rocky"], ["arm", "gpu", "new", "old", "plain"]
    reasons = {
        "jammy": {"wrong architecture": "0", "missing gpu": "1", "abi | issue": "2"},
        "noble": {"wrong architecture": "0", "missing gpu": "1"},
        "rocky": {"wrong architecture": "0", "missing gpu": "1", "abi | issue": "2-3"},
    }
    truth = {"jammy": {"1": "3-4"}, "noble": {"1": "2-3"}, "rocky": {"1": "4"}}
    experiment = {
        "experiment": "images",
        "version": VERSION,
        "description": "A container image for a host.",
        "order": ["arch", "os"],
        "levels": ["basic", "platform", "os"],
        "jobs": jobs,
        "clusters": clusters,
        "truth": truth,
        "reasons": reasons,
        "times": None,
        "worth": None,
    }
    drawn = {
        "basic": [("jammy", place) for place in (1, 1, 2, 2, 2, 3, 4, 4)],
        "platform": [("jammy", place) for place in (1, 1, 1, 3)] + [("rocky", place) for place in (2, 3, 4, None)],
        "os": [(job, place) for job, place in (("jammy", 3), ("noble", 4), ("rocky", 4)) for _ in range(2)],
    }
    runs, records = [], []
    for level, assigned in drawn.items():
        mine = []
        for iteration, (job, place) in enumerate(assigned):
            reason = next((name for name, places in reasons[job].items() if str(place) in _places(places)), "")
            good = str(place) in _places(truth[job]["1"])
            mine.append(
                {
                    "experiment": "images",
                    "scheduler": "rainbow",
                    "level": level,
                    "job": job,
                    "iteration": iteration,
                    "cluster": None if place is None else clusters[place],
                    "outcome": "missed" if place is None else "correct" if good else "incorrect",
                    "score": float(good),
                    **({"reason": reason} if reason else {}),
                }
            )
        runs.append(run(level, mine, Fraction(1, 2), experiment="images", published=[]))
        records += mine
    basic, platform, system = runs
    basic |= {"drawn": {"jammy": "1"}, "iterations": 8, "candidate_sets": {"jammy": "1-4"}}
    basic["exact"] |= {
        "outcomes": exactly(correct=0.5, compatible=0.0, incorrect=0.5),
        "reasons": {
            "abi | issue": {"rate": 0.25, "fraction": "1/4"},
            "missing gpu": {"rate": 0.25, "fraction": "1/4"},
        },
    }
    basic["published"] = [
        published("us, twice", 1, 8, 0.0703125, missing_gpu=(4, 0.0004), mpi_error=(0, 1.0)),
        published("them", 5, 10, None),
    ]
    platform |= {"drawn": {"jammy": "1/2", "rocky": "1/2"}, "iterations": 8}
    platform["candidate_sets"] = {"jammy": "1,3", "rocky": "2-4"}
    platform["exact"] |= {
        "accuracy": 5 / 12,
        "fraction": "5/12",
        "outcomes": exactly(correct=5 / 12, compatible=0.0, incorrect=7 / 12),
        "reasons": {
            "abi | issue": {"rate": 1 / 3, "fraction": "1/3"},
            "missing gpu": {"rate": 0.25, "fraction": "1/4"},
        },
    }
    platform["published"] = [published("them", 2, 10, 0.25)]
    system |= {"iterations": 2, "candidate_sets": {"jammy": "3", "noble": "4", "rocky": "4"}}
    system["exact"] |= {"accuracy": 2 / 3, "fraction": "2/3"}
    system["exact"]["outcomes"] = exactly(correct=2 / 3, compatible=0, incorrect=1 / 3)
    return document(experiments=[experiment], runs=runs, records=records, commands=[["pytest", "suites/images"]])


def _places(idset: str) -> list[str]:
    return [str(place) for place in decode(idset, 5)]


def variants(kind: str = "measured") -> Document:
    """Return a report of ways to run one application, of which times are known and some do not run."""
    page = images()
    [experiment] = page["experiments"]
    page["runs"] = page["runs"][:2]
    page["records"] = [each for each in page["records"] if each["level"] != "os"]
    seconds = {"jammy": {"old": 2.0, "plain": 2.5}, "rocky": {"plain": 61.25}}
    experiment["times"] = {"kind": kind, "machine": "a [big] node", "seconds": seconds}
    experiment["truth"] |= {"jammy": {"1": "3", "0.8": "4"}}
    basic, platform = page["runs"]
    basic["regret"] = {"seconds": 1 / 3, "ran": 3, "exact": {"seconds": 0.25, "ran": 0.5}}
    platform["regret"] = {"seconds": None, "ran": 0, "exact": {"seconds": None, "ran": 0.0}}
    for each in page["records"]:
        if each["cluster"] == "plain" and each["job"] == "jammy":
            each |= {"outcome": "compatible", "score": 0.8}
    basic["outcomes"] |= {"correct": 1, "compatible": 2}
    basic["exact"]["outcomes"] = exactly(correct=0.25, compatible=0.25, incorrect=0.5)
    return page


def partly_explained() -> Document:
    """Return the same report, in which a reason is about a score between 0 and 1."""
    page = variants()
    page["experiments"][0]["reasons"]["jammy"]["slow"] = "4"
    page["runs"][0]["reasons"]["slow"] = 1
    page["runs"][0]["exact"]["reasons"]["slow"] = {"rate": 0.25, "fraction": "1/4"}
    return page


REASONS = {"images": images, "variants": variants}
