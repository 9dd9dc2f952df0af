"""The generated stubs say what the .proto files say, and that is what the PyPI client speaks."""

import shutil

import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet

from pytest_compat.rainbow.proto import generate, memory_pb2, memory_pb2_grpc, rainbow_pb2, rainbow_pb2_grpc

STUBS = {"rainbow.proto": rainbow_pb2, "memory.proto": memory_pb2}
SERVICES = {"rainbow.proto": rainbow_pb2_grpc, "memory.proto": memory_pb2_grpc}


def compiled(folder):
    """Return what the .proto files say, by file."""
    pytest.importorskip("grpc_tools", reason="grpcio-tools compiles the .proto files")
    generate.compile_protos(folder, "--descriptor_set_out={}/all.binpb")
    files = FileDescriptorSet.FromString((folder / "all.binpb").read_bytes()).file
    return {file.name: plain(file) for file in files}


def described(module):
    """Return what a stub says."""
    file = FileDescriptorProto()
    module.DESCRIPTOR.CopyToProto(file)
    return plain(file)


def plain(file):
    """Leave out the names of fields in JSON, which protoc derives and stubs leave out."""
    messages = list(file.message_type)
    for message in messages:
        messages.extend(message.nested_type)
        for field in message.field:
            field.ClearField("json_name")
    return file


def test_stubs_are_up_to_date(tmp_path):
    assert {name: described(module) for name, module in STUBS.items()} == compiled(tmp_path), (
        "run python -m pytest_compat.rainbow.proto.generate"
    )


@pytest.mark.parametrize(
    ("name", "before", "after"),
    [
        ("rainbow.proto", "int32 maxJobs = 3;", "int32 maxJobs = 4;"),
        ("rainbow.proto", "string subsytem = 3;", "string subsystem = 3;"),
        ("rainbow.proto", "REGISTER_DENIED = 3;", "REGISTER_DENIED = 5;"),
        ("memory.proto", "int32 total_matches = 4;", "int64 total_matches = 4;"),
        ("memory.proto", "rpc Register(RegisterRequest) returns (Response);", ""),
    ],
)
def test_a_changed_proto_is_noticed(tmp_path, monkeypatch, name, before, after):
    for file in STUBS:
        shutil.copy(generate.HERE / file, tmp_path)
    text = (tmp_path / name).read_text()
    assert text.count(before) == 1
    (tmp_path / name).write_text(text.replace(before, after))
    monkeypatch.setattr(generate, "HERE", tmp_path)
    assert compiled(tmp_path)[name] != described(STUBS[name])


@pytest.mark.parametrize("name", STUBS)
def test_every_method_has_a_stub_and_a_place_in_the_servicer(name):
    for service in STUBS[name].DESCRIPTOR.services_by_name.values():
        servicer = getattr(SERVICES[name], f"{service.name}Servicer")
        assert {method.name for method in service.methods} == {key for key in vars(servicer) if key[0] != "_"}
        assert hasattr(SERVICES[name], f"{service.name}Stub")


def shapes(message):
    """Return the fields and enums of a message and of those inside it, as far as the wire and its users know them."""
    fields = {
        field.name: (
            field.number,
            field.type,
            field.is_repeated,
            field.message_type and field.message_type.full_name,
            field.enum_type and field.enum_type.full_name,
        )
        for field in message.fields
    }
    enums = {enum.full_name: {value.name: value.number for value in enum.values} for enum in message.enum_types}
    return {message.full_name: (fields, enums)} | {
        name: shape for inner in message.nested_types for name, shape in shapes(inner).items()
    }


@pytest.mark.parametrize("name", STUBS)
def test_messages_are_those_of_the_client(name):
    theirs = pytest.importorskip(f"rainbow.protos.{name.removesuffix('.proto')}_pb2", reason="the PyPI client")
    assert theirs.DESCRIPTOR.package == STUBS[name].DESCRIPTOR.package
    for message in theirs.DESCRIPTOR.message_types_by_name.values():
        assert shapes(message) == shapes(STUBS[name].DESCRIPTOR.message_types_by_name[message.name])


@pytest.mark.parametrize("name", STUBS)
def test_methods_are_those_of_the_client(name):
    theirs = pytest.importorskip(f"rainbow.protos.{name.removesuffix('.proto')}_pb2", reason="the PyPI client")
    for service in theirs.DESCRIPTOR.services_by_name.values():
        ours = STUBS[name].DESCRIPTOR.services_by_name[service.name].methods_by_name
        for method in service.methods:
            assert method.input_type.full_name == ours[method.name].input_type.full_name
            assert method.output_type.full_name == ours[method.name].output_type.full_name


def test_what_one_stub_writes_the_other_reads():
    theirs = pytest.importorskip("rainbow.protos.rainbow_pb2", reason="the PyPI client")
    contenders = [theirs.SubmitJobRequest.Cluster(name="cat", token="t")]
    request = theirs.SubmitJobRequest(name="job", clusters=contenders, jobspec="{}", select_options={"a": "b"})
    read = rainbow_pb2.SubmitJobRequest.FromString(request.SerializeToString(deterministic=True))
    assert (read.name, read.clusters[0].token, read.select_options["a"]) == ("job", "t", "b")
    assert read.SerializeToString(deterministic=True) == request.SerializeToString(deterministic=True)
