"""One build as three generations of Spack write it."""

from __future__ import annotations

from typing import Any

PARAMETERS: dict[str, Any] = {"shared": True, "build_type": "Release", "cflags": [], "patches": ["8a9d"]}
HASHES = {"zfp": "zfp7hash" * 4, "cmake": "cmakehas" * 4, "zlib": "zlibhash" * 4, "gcc": "gcchashh" * 4}
GCC = {"name": "gcc", "version": "9.3.1"}


def listed() -> dict[str, Any]:
    """As to Spack 0.16: a list of packages by name, dependencies by name."""

    def link(name: str, *types: str) -> dict[str, Any]:
        return {name: {"hash": HASHES[name], "type": list(types)}}

    return {
        "spec": [
            {
                "zfp": {
                    "version": "0.5.2", "compiler": GCC, "parameters": PARAMETERS, "hash": HASHES["zfp"],
                    "dependencies": link("cmake", "build"),
                }
            },
            {
                "cmake": {
                    "version": "3.20.10", "compiler": GCC, "parameters": {}, "hash": HASHES["cmake"],
                    "dependencies": link("zlib", "link"),
                }
            },
            {"zlib": {"version": "1.2.11", "compiler": GCC, "parameters": {}, "hash": HASHES["zlib"]}},
        ]
    }  # fmt: skip


def nodes() -> dict[str, Any]:
    """As from Spack 0.17: nodes, dependencies in a list."""

    def link(name: str, *types: str) -> dict[str, Any]:
        return {"name": name, "hash": HASHES[name], "type": list(types)}

    return {
        "spec": {
            "_meta": {"version": 3},
            "nodes": [
                {
                    "name": "zfp", "version": "0.5.2", "compiler": GCC, "parameters": PARAMETERS,
                    "dependencies": [link("cmake", "build")], "hash": HASHES["zfp"],
                },
                {
                    "name": "cmake", "version": "3.20.10", "compiler": GCC, "parameters": {},
                    "dependencies": [link("zlib", "link")], "hash": HASHES["cmake"],
                },
                {"name": "zlib", "version": "1.2.11", "compiler": GCC, "parameters": {}, "hash": HASHES["zlib"]},
            ],
        }
    }  # fmt: skip


def compilers_as_nodes() -> dict[str, Any]:
    """As from Spack 1.0: the compiler is a dependency, with one of its own that no package has."""

    def link(name: str, *types: str, virtuals: tuple[str, ...] = ()) -> dict[str, Any]:
        parameters = {"deptypes": list(types), "virtuals": list(virtuals)}
        return {"name": name, "hash": HASHES[name], "parameters": parameters}

    compiled = link("gcc", "build", virtuals=("c", "cxx"))
    return {
        "spec": {
            "_meta": {"version": 5},
            "nodes": [
                {
                    "name": "zfp", "version": "0.5.2", "parameters": PARAMETERS, "hash": HASHES["zfp"],
                    "dependencies": [link("cmake", "build"), compiled],
                    "annotations": {"original_specfile_format": 5},
                },
                {
                    "name": "cmake", "version": "3.20.10", "parameters": {}, "hash": HASHES["cmake"],
                    "dependencies": [link("zlib", "link"), compiled],
                },
                {
                    "name": "zlib", "version": "1.2.11", "parameters": {}, "hash": HASHES["zlib"],
                    "dependencies": [compiled],
                },
                {
                    "name": "gcc", "version": "9.3.1", "parameters": {}, "hash": HASHES["gcc"],
                    "dependencies": [{"name": "gmp", "hash": "gmphash", "parameters": {"deptypes": ["link"]}}],
                },
                {"name": "gmp", "version": "6.2.1", "parameters": {}, "hash": "gmphash"},
            ],
        }
    }  # fmt: skip
