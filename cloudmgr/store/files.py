"""The tables of files and of their contents."""

from __future__ import annotations

from cloudmgr.domain.files import FileContent, StoredFile
from cloudmgr.store.mapper import row_of

StoredFileRow = row_of(StoredFile, index=("organisation_id", "sha256"))
FileContentRow = row_of(FileContent)
