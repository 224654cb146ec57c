"""The key that signs checkpoints: Ed25519, kept in a file that nobody else may read."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from data.errors import UnsnagError
from data.secrets import read_secret

if TYPE_CHECKING:
    from pathlib import Path


class SigningKeyError(UnsnagError):
    """The audit's signing key cannot be used."""


class SigningKey:
    """A private key; `public` is its other half, 64 hex digits."""

    def __init__(self, private: Ed25519PrivateKey) -> None:
        self._private = private
        self.public = private.public_key().public_bytes_raw().hex()

    @classmethod
    def read(cls, path: Path) -> SigningKey:
        """Read a key that `make` wrote.

        Raises:
            SigningKeyError: it is no key.
            SecretFileError: the file cannot be read, or others may read it.
        """
        try:
            return cls(Ed25519PrivateKey.from_private_bytes(bytes.fromhex(read_secret(path))))
        except ValueError as error:
            raise SigningKeyError(
                f"{path} holds no signing key: 64 hex digits are expected, as `audit key` writes them."
            ) from error

    @classmethod
    def make(cls, path: Path) -> SigningKey:
        """Write a new key to a file that is not there yet.

        Raises:
            SigningKeyError: the file exists, or cannot be written.
        """
        private = Ed25519PrivateKey.generate()
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "w", encoding="ascii") as file:
                file.write(private.private_bytes_raw().hex() + "\n")
        except OSError as error:
            raise SigningKeyError(f"No key was written to {path}: {error.strerror}.") from error
        return cls(private)

    def sign(self, message: bytes) -> str:
        """Return the signature in hex."""
        return self._private.sign(message).hex()
