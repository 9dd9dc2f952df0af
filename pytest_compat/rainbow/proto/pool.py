"""The descriptor pool of the stubs in this folder.

Protobuf refuses two definitions of one message name in a pool, and the PyPI client of rainbow defines
these names in the default pool. A pool of our own lets both live in one process.
"""

from google.protobuf import timestamp_pb2
from google.protobuf.descriptor_pool import DescriptorPool

POOL = DescriptorPool()
POOL.AddSerializedFile(timestamp_pb2.DESCRIPTOR.serialized_pb)
