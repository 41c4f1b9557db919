"""Bodies of requests: photos to files on disk, as they are or in a form, and JSON."""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.requests import Request

from dicface.errors import UsageError
from dicface.web.album import Album, Entry
from dicface.web.guard import TooManyBytesError

_MAX_JSON_BYTES = 1 << 20


class EmptyUploadError(Exception):
    """An upload without a byte."""


async def receive(request: Request, target: Path, limit: int) -> None:
    """Write the body of a request to a file.

    Args:
        request: the request.
        target: the file.
        limit: largest size in bytes.

    Raises:
        TooManyBytesError: it is larger.
        EmptyUploadError: it is empty.
    """
    count = 0
    with target.open("wb") as file:
        async for chunk in request.stream():
            count += len(chunk)
            if count > limit:
                raise TooManyBytesError
            await run_in_threadpool(file.write, chunk)
    if count == 0:
        raise EmptyUploadError


async def receive_any(
    request: Request, album: Album, entry: Entry, limit: int
) -> tuple[Entry, dict[str, Sequence[str]]]:
    """Take a photo that is the body of a request, or a field of its form.

    Args:
        request: the request.
        album: for the photo of a form, whose name is known late.
        entry: the place of the photo.
        limit: largest size in bytes.

    Returns:
        The place of the photo, and the values of the query and the form by their names.

    Raises:
        UsageError: a form without one photo.
        TooManyBytesError, EmptyUploadError: see `receive`.
    """
    values: dict[str, Sequence[str]] = {name: request.query_params.getlist(name) for name in request.query_params}
    values.pop("name", None)
    if not request.headers.get("content-type", "").startswith("multipart/form-data"):
        await receive(request, entry.source, limit)
        return entry, values
    async with request.form(max_files=1, max_fields=64) as form:
        photos = [field for field in form.values() if isinstance(field, UploadFile)]
        if len(photos) != 1:
            raise UsageError("expected one photo in the form, as in `curl -F photo=@photo.jpg`")
        names = {name for name, field in form.multi_items() if isinstance(field, str)}
        values |= {name: [str(field) for field in form.getlist(name)] for name in names}
        album.remove(entry.id)
        named = album.add(photos[0].filename or "photo")
        if (photos[0].size or 0) > limit:
            raise TooManyBytesError
        if not photos[0].size:
            raise EmptyUploadError
        await run_in_threadpool(_copy, photos[0], named.source)
    return named, values


async def read_json(request: Request) -> Any:
    """Decode the JSON of a request's body.

    Raises:
        UsageError: no JSON, or too much of it.
    """
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MAX_JSON_BYTES:
            raise UsageError("expected a smaller body")
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise UsageError("expected JSON") from error


def _copy(upload: UploadFile, target: Path) -> None:
    with target.open("wb") as file:
        shutil.copyfileobj(upload.file, file)
