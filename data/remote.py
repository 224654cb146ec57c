"""Backups at an S3 address: each a folder of objects, of which the manifest is written last.

An object is read again after it was written and compared with its hash, so a backup whose manifest is there
was whole; one without a manifest was never finished and is not one. Objects are sent in parts.
"""

from __future__ import annotations

import hashlib
import os
import re
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from pyarrow import fs

from data import backup, manifest
from data.manifest import BackupError, File, Manifest
from data.witness import sync

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Progress = Callable[[str, int, int], None]
    """Hears a file, how many bytes are done, and of how many."""

SCHEME: Final = "s3://"
_PART: Final = 8 << 20
_CONNECT_S: Final = 10.0
_ANSWER_S: Final = 60.0
_ERROR: Final = re.compile(r"AWS Error ([A-Z_]+)")
_NO_KEY: Final = frozenset(
    ("ACCESS_DENIED", "INVALID_ACCESS_KEY_ID", "SIGNATURE_DOES_NOT_MATCH", "INVALID_CLIENT_TOKEN_ID")
)
_AWAY: Final = frozenset(("NETWORK_CONNECTION", "REQUEST_TIMEOUT"))
_UNTRUSTED: Final = "SSL peer certificate"
# Many servers that speak S3 know no checksums behind a body; each object is compared by its SHA-256 anyway.
os.environ.setdefault("AWS_REQUEST_CHECKSUM_CALCULATION", "when_required")
os.environ.setdefault("AWS_RESPONSE_CHECKSUM_VALIDATION", "when_required")


class RemoteError(BackupError):
    """The S3 address cannot be used."""


@dataclass(frozen=True, slots=True)
class Access:
    """How to reach an object store; what is None, the SDK takes from the environment or its own files."""

    endpoint: str | None = None
    region: str | None = None
    access_key: str | None = None
    secret_key: str | None = field(default=None, repr=False)


def is_remote(address: str) -> bool:
    """Return whether this is an S3 address and no folder."""
    return address.startswith(SCHEME)


class Address:
    """A place for backups: `s3://BUCKET`, or `s3://BUCKET/PREFIX`."""

    def __init__(self, address: str, access: Access) -> None:
        self._path = address.removeprefix(SCHEME).strip("/")
        self._bucket = self._path.partition("/")[0]
        self._host = access.endpoint or "S3"
        if not is_remote(address) or not self._bucket:
            raise RemoteError(f"{address} is no S3 address: write s3://BUCKET or s3://BUCKET/PREFIX.")
        self._store = fs.S3FileSystem(
            access_key=access.access_key,
            secret_key=access.secret_key,
            region=access.region or "us-east-1",
            endpoint_override=access.endpoint,
            connect_timeout=_CONNECT_S,
            request_timeout=_ANSWER_S,
        )

    def __str__(self) -> str:
        """Return the address."""
        return SCHEME + self._path

    def upload(self, folder: Path, progress: Progress) -> str:
        """Send a backup, and read each object again; return the backup's own address.

        Raises:
            RemoteError: it could not be sent, or is not what was sent. It does not count then.
        """
        held, place, done = backup.read(folder), f"{self._path}/{folder.name}", 0
        with self._explained():
            self._require_bucket()
            for name, file in held.files.items():
                self._send(folder / name, f"{place}/{name}")
                if self._digest(f"{place}/{name}") != file:
                    raise RemoteError(
                        f"{SCHEME}{place}/{name} is not what was sent. The backup does not count."
                    )
                done += file.bytes
                progress(name, done, held.bytes)
            self._send(folder / backup.MANIFEST, f"{place}/{backup.MANIFEST}")
        return SCHEME + place

    def found(self) -> list[str]:
        """Return the names of the backups that are there, the oldest first."""
        return sorted(name for name, files in self._folders().items() if backup.MANIFEST in files)

    def last_at(self) -> datetime | None:
        """Return when the newest backup was made; None where there is none."""
        names = self.found()
        return datetime.fromisoformat(self.read(names[-1]).made_at).astimezone(UTC) if names else None

    def read(self, name: str = "") -> Manifest:
        """Return the manifest of a backup below this address, or of the one that this address is.

        Raises:
            RemoteError: this is none, or the address cannot be used.
        """
        place = f"{self._path}/{name}".rstrip("/")
        with self._explained():
            self._require_bucket()
            try:
                with self._store.open_input_stream(f"{place}/{backup.MANIFEST}") as stream:
                    return manifest.parsed(stream.read())
            except (FileNotFoundError, ValueError, KeyError, TypeError, AttributeError):
                raise RemoteError(f"{SCHEME}{place} is no backup: it has no {backup.MANIFEST}.") from None

    def fetch(self, into: Path, progress: Progress) -> Path:
        """Bring the backup that this address is into a new folder, compared by its hashes.

        Raises:
            RemoteError: this is no backup, it is not whole, or the address cannot be used.
        """
        held, done, folder = self.read(), 0, into / self._path.rpartition("/")[2]
        for place in (into, folder, folder / backup.FLOWS):
            place.mkdir(mode=0o700, exist_ok=place == into)
        for name, file in held.files.items():
            with self._explained():
                self._receive(f"{self._path}/{name}", folder / name)
            done += file.bytes
            progress(name, done, held.bytes)
        manifest.write(held, folder / backup.MANIFEST)
        if not backup.settings_in(folder) and held.form < manifest.FORM:
            (folder / backup.FLOWS).rmdir()  # it was made without them
        if wrong := held.wrong_files(folder):
            raise RemoteError(f"The backup {self} is not whole: {'; '.join(wrong)}.")
        return folder

    def thin(self, keep: int) -> list[str]:
        """Remove all but the newest backups, and what was begun before them; return the names.

        Raises:
            RemoteError: the address cannot be used.
        """
        whole, there = self.found(), self._folders()
        newest = whole[-1] if whole else ""
        doomed = [*whole[:-keep], *(name for name in sorted(there) if name not in whole and name < newest)]
        for name in doomed:
            # The manifest first: what is removed in part is no backup.
            for path in (f"{name}/{backup.MANIFEST}", name):
                self._remove(f"{self._path}/{path}")
        return doomed

    # --- objects ---------------------------------------------------------------------------

    def _folders(self) -> dict[str, set[str]]:
        """Return the names of the objects of each folder that is called as a backup is."""
        found: dict[str, set[str]] = {}
        with self._explained():
            self._require_bucket()
            for path in self._objects(self._path):
                name, _, file = path.removeprefix(f"{self._path}/").partition("/")
                if file and name.startswith(backup.PREFIX):
                    found.setdefault(name, set()).add(file)
        return found

    def _remove(self, path: str) -> None:
        """Remove an object, or all objects of a folder."""
        with self._explained():
            try:
                (info,) = self._store.get_file_info([path])
                if info.is_file:
                    self._store.delete_file(path)
                else:
                    self._store.delete_dir(path)
            except OSError:
                # It makes and removes objects for folders as well, which not every server takes.
                if self._objects(path):
                    raise

    def _objects(self, path: str) -> list[str]:
        chosen = fs.FileSelector(path, recursive=True, allow_not_found=True)
        alone = self._store.get_file_info(path)
        below = [] if alone.is_file else self._store.get_file_info(chosen)
        return [info.path for info in (alone, *below) if info.is_file]

    def _require_bucket(self) -> None:
        if self._store.get_file_info(self._bucket).type == fs.FileType.NotFound:
            raise RemoteError(f"There is no bucket {self._bucket} at {self._host}.")

    def _send(self, path: Path, target: str) -> None:
        with path.open("rb") as file, self._store.open_output_stream(target, buffer_size=_PART) as stream:
            while chunk := file.read(_PART):
                stream.write(chunk)

    def _chunks(self, source: str) -> Iterator[bytes]:
        with self._store.open_input_stream(source) as stream:
            while chunk := stream.read(_PART):
                yield chunk

    def _digest(self, source: str) -> File:
        digest, size = hashlib.sha256(), 0
        for chunk in self._chunks(source):
            digest.update(chunk)
            size += len(chunk)
        return File(size, digest.hexdigest())

    def _receive(self, source: str, target: Path) -> None:
        with target.open("xb") as file:
            target.chmod(0o600)
            for chunk in self._chunks(source):
                file.write(chunk)
        sync(target)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Turn what the SDK says into what an operator can act on; no key is in it."""
        try:
            yield
        except OSError as error:
            found = _ERROR.search(str(error))
            raise RemoteError(self._reason(found[1] if found else "", error)) from error

    def _reason(self, code: str, error: OSError) -> str:
        if code == "NO_SUCH_BUCKET":
            return f"There is no bucket {self._bucket} at {self._host}."
        if code in _NO_KEY or "HTTP status 403" in str(error):
            return f"{self._host} refuses the key for {self}: see backup.access_key and its secret."
        if _UNTRUSTED in str(error):
            return (
                f"{self._host} shows a certificate that is not trusted: name its authority in SSL_CERT_FILE."
            )
        if code in _AWAY or "curlCode" in str(error):
            return f"{self._host} cannot be reached for {self}."
        return f"{self} cannot be used: {(error.strerror or str(error)).splitlines()[0][:200]}."
