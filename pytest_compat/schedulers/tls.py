"""Certificates for a server that is spoken to over TLS."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_compat.errors import DeclarationError

if TYPE_CHECKING:
    import grpc


@dataclass(frozen=True)
class Tls:
    """Files in PEM format.

    Args:
        ca_cert: The authorities of which one has to have signed the server's certificate; None for gRPC's own.
        cert: The certificate to show the server (mutual TLS), None to show none.
        key: The key of `cert`, without a passphrase.
    """

    ca_cert: Path | None = None
    cert: Path | None = None
    key: Path | None = None

    def check(self) -> None:
        """Raise DeclarationError unless every file is what it has to be, and the key is the certificate's."""
        for one, other, path in (("cert", "key", self.cert), ("key", "cert", self.key)):
            if path is not None and getattr(self, other) is None:
                raise DeclarationError(
                    f"found no {_option(other)}, expected both: mutual TLS takes a certificate and its key",
                    path=_option(one),
                )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        for name, path in (("ca-cert", self.ca_cert), ("cert", self.cert), ("key", self.key)):
            if path is not None:
                _read(path, name)
        if self.ca_cert is not None:
            try:
                context.load_verify_locations(self.ca_cert)
            except ssl.SSLError:
                raise DeclarationError(
                    f"found no certificate in {self.ca_cert}, expected one or more in PEM format",
                    path=_option("ca-cert"),
                ) from None
        if self.cert is not None:
            try:
                # Without an answer of ours OpenSSL asks for a passphrase at the terminal.
                context.load_cert_chain(self.cert, self.key, password=lambda: "")
            except ssl.SSLError:
                raise DeclarationError(
                    f"found in {self.cert} and {self.key} no certificate with its key, expected both in PEM format, "
                    f"the key without a passphrase",
                    path=_option("cert"),
                ) from None

    def credentials(self) -> grpc.ChannelCredentials:
        """Return what a channel to the server is opened with.

        Raises:
            DeclarationError: A file cannot be read.
        """
        import grpc

        ca_cert, cert, key = (
            None if path is None else _read(path, name)
            for name, path in (("ca-cert", self.ca_cert), ("cert", self.cert), ("key", self.key))
        )
        return grpc.ssl_channel_credentials(ca_cert, key, cert)


def _option(name: str) -> str:
    return f"scheduler-{name}"


def _read(path: Path, name: str) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise DeclarationError(
            f"cannot read {path}: {error.strerror}, expected a file in PEM format", path=_option(name)
        ) from None
