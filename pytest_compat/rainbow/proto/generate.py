"""Makes the stubs in this folder from its .proto files.

    python -m pytest_compat.rainbow.proto.generate

needs grpcio-tools. The generator decides the oldest protobuf that can load the result, so the stubs are made
with grpcio-tools 1.62.3 (protobuf 4.25 and later); any version can check them, which `tests/rainbow/test_proto.py`
does by comparing descriptors.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

HERE = Path(__file__).parent
PROTOS = ("rainbow.proto", "memory.proto")
PACKAGE = "pytest_compat.rainbow.proto"


def compile_protos(target: Path, *flags: str) -> None:
    """Run protoc over the .proto files of this folder.

    Args:
        target: The folder that receives what protoc writes.
        flags: protoc flags, in which `{}` stands for `target`.

    Raises:
        RuntimeError: protoc failed; its own message is on standard error.
    """
    from grpc_tools import protoc

    wellknown = Path(protoc.__file__).parent / "_proto"
    argv = ["protoc", f"-I{HERE}", f"-I{wellknown}", *(flag.format(target) for flag in flags), *PROTOS]
    if protoc.main(argv) != 0:
        raise RuntimeError(f"protoc failed on {', '.join(PROTOS)}")


def main() -> None:
    """Write `*_pb2.py`, `*_pb2.pyi` and `*_pb2_grpc.py` beside the .proto files."""
    with tempfile.TemporaryDirectory() as name:
        target = Path(name)
        compile_protos(target, "--python_out={}", "--pyi_out={}", "--grpc_python_out={}")
        for path in sorted(target.iterdir()):
            text = path.read_text(encoding="utf-8")
            if path.name.endswith("_pb2.py"):
                text = text.replace(
                    "from google.protobuf import descriptor_pool as _descriptor_pool\n",
                    f"from {PACKAGE}.pool import POOL as _POOL\n",
                ).replace("_descriptor_pool.Default()", "_POOL")
            for proto in PROTOS:
                module = proto.removesuffix(".proto") + "_pb2"
                text = text.replace(f"\nimport {module} as", f"\nfrom {PACKAGE} import {module} as")
            (HERE / path.name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
