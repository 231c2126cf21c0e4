"""Files that papers rest on: stamped scans, evidence, workbooks. Owns which formats and sizes are
taken and how a format is recognised; what a file is attached to is the other noun's affair.

The content is a record of its own, so that lists of files stay small, and equal contents are one.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from cloudmgr.domain.errors import bad_file
from cloudmgr.domain.values import Value

MAX_FILE_BYTES = 20 * 1024 * 1024
MAX_NAME_LENGTH = 200

_OFFICE = "application/vnd.openxmlformats-officedocument"


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFile(Value):
    """附件: a file somebody sent for an organisation; `sha256` finds its content."""

    organisation_id: str
    name: str
    media_type: str
    size_bytes: int
    sha256: str
    uploaded_by: str
    uploaded_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class FileContent(Value):
    """The bytes of a file; `id` is their SHA-256."""

    data: bytes
    __pydantic_config__: ClassVar[Mapping[str, Any]] = {
        "ser_json_bytes": "base64",
        "val_json_bytes": "base64",
    }


@dataclass(frozen=True, slots=True)
class FileFormat:
    """A format by the ending of its name, and how its content shows that it is one."""

    media_type: str
    recognises: Callable[[bytes], bool]


def _starts(*heads: bytes) -> Callable[[bytes], bool]:
    return lambda data: data.startswith(heads)


def _zipped(member: str) -> Callable[[bytes], bool]:
    def recognises(data: bytes) -> bool:
        try:
            with zipfile.ZipFile(io.BytesIO(data)) as archive:
                return any(name.startswith(member) for name in archive.namelist())
        except (
            zipfile.BadZipFile,
            ValueError,
            RuntimeError,
        ):  # damaged, or packed in a way unknown
            return False

    return recognises


def _text(data: bytes) -> bool:
    """UTF-8, or GB 18030 as spreadsheets in China save it."""
    if b"\x00" in data:
        return False
    for encoding in ("utf-8", "gb18030"):
        try:
            data.decode(encoding)
        except UnicodeDecodeError:
            continue
        return True
    return False


FORMATS: Mapping[str, FileFormat] = {
    ".pdf": FileFormat("application/pdf", _starts(b"%PDF-")),
    ".ofd": FileFormat("application/ofd", _zipped("OFD.xml")),
    ".png": FileFormat("image/png", _starts(b"\x89PNG\r\n\x1a\n")),
    ".jpg": FileFormat("image/jpeg", _starts(b"\xff\xd8\xff")),
    ".jpeg": FileFormat("image/jpeg", _starts(b"\xff\xd8\xff")),
    ".xlsx": FileFormat(f"{_OFFICE}.spreadsheetml.sheet", _zipped("xl/")),
    ".docx": FileFormat(f"{_OFFICE}.wordprocessingml.document", _zipped("word/")),
    ".csv": FileFormat("text/csv", _text),
    ".txt": FileFormat("text/plain", _text),
    ".toml": FileFormat("application/toml", _text),
}
"""OFD is the national document format (GB/T 33190). Neither programs nor pages are taken."""


def check_file(name: str, data: bytes) -> FileFormat:
    """The format of a file; raises `bad_file` for a name, size or content that is not taken.

    The ending decides and the content must agree; what the sender's program says of the type is
    not asked.
    """
    if not name or len(name) > MAX_NAME_LENGTH or any(each in name for each in "/\\\x00\r\n"):
        raise bad_file(name, f"a file name has 1 to {MAX_NAME_LENGTH} characters and no slashes")
    if not data:
        raise bad_file(name, "it is empty")
    if len(data) > MAX_FILE_BYTES:
        raise bad_file(name, f"it has {len(data)} bytes and at most {MAX_FILE_BYTES} are taken")
    ending = name[name.rfind(".") :].lower() if "." in name else ""
    form = FORMATS.get(ending)
    if form is None:
        raise bad_file(name, f"send one of {', '.join(FORMATS)}")
    if not form.recognises(data):
        raise bad_file(name, f"its content is no {ending} file; save it again in that format")
    return form


def content_digest(data: bytes) -> str:
    """The SHA-256 a content is known by."""
    return hashlib.sha256(data).hexdigest()
