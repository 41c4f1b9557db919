"""What is sent back: files under their names, and errors in the visitor's words."""

import json
import zipfile
from collections.abc import Awaitable, Callable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import quote

from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, JSONResponse, Response

from dicface.errors import DicfaceError, ImageError, TooLargeError, TooLongError
from dicface.web import words
from dicface.web.album import unique_names
from dicface.web.desk import BusyError
from dicface.web.guard import IdleError, TooManyBytesError
from dicface.web.request import MAX_UPLOAD_MEGAPIXELS
from dicface.web.result import WrittenFaces
from dicface.web.uploads import EmptyUploadError

PRIVATE: Mapping[str, str] = {"cache-control": "no-store"}
_CLIENT_CLOSED = 499
Handler = Callable[[Request, Exception], Awaitable[Response]]


class Refusal(Exception):  # noqa: N818 - a photo that is refused is no fault of the program
    """A photo that cannot be worked on.

    Args:
        error: why.
        name: of the photo.

    Attributes:
        background: a network was to enlarge the photo.
    """

    def __init__(self, error: DicfaceError, name: str) -> None:
        super().__init__(str(error))
        self.error = error
        self.name = name
        self.background = False


def attachment(name: str) -> dict[str, str]:
    """The header that gives a download its name."""
    plain = "".join(letter if letter.isascii() and letter not in '"\\' else "_" for letter in name)
    return {"content-disposition": f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name)}"}


def file_response(path: Path, name: str) -> Response:
    """A file as a download under a name."""
    return FileResponse(path, headers={**PRIVATE, **attachment(name)})


def write_zip(target: Path, results: Sequence[WrittenFaces]) -> None:
    """Write results and a report of all of them into one file. Pictures are compressed already."""
    names = unique_names([result.name for result in results])
    rows = [{**result.row, "output": name} for result, name in zip(results, names, strict=True)]
    with zipfile.ZipFile(target, "w") as file:
        for result, name in zip(results, names, strict=True):
            file.write(result.path, name)
        file.writestr("report.json", json.dumps({"photos": rows}, indent=2) + "\n")


def error_handlers() -> dict[Any, Handler]:
    """What is said to which error: JSON with one sentence."""

    def said(status: int, text: str, **headers: str) -> Response:
        return JSONResponse({"error": text}, status, {**PRIVATE, **headers})

    async def refused(request: Request, error: Exception) -> Response:
        assert isinstance(error, Refusal)
        heic = find_spec("pillow_heif") is not None
        text = words.error_words(
            error.error, error.name, megapixels=MAX_UPLOAD_MEGAPIXELS, heic=heic, background=error.background
        )
        return said(_status(error.error), text)

    async def of_http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        return said(error.status_code, error.detail)

    def saying(status: int, text: str, **headers: str) -> Handler:
        async def handler(request: Request, error: Exception) -> Response:
            return said(status, text, **headers)

        return handler

    return {
        Refusal: refused,
        HTTPException: of_http,
        BusyError: saying(503, words.BUSY, **{"retry-after": "30"}),
        TooManyBytesError: saying(413, words.TOO_MANY_BYTES),
        EmptyUploadError: saying(422, words.EMPTY),
        IdleError: saying(408, words.IDLE),
        ClientDisconnect: saying(_CLIENT_CLOSED, ""),
        DicfaceError: saying(400, words.FAILED),
        Exception: saying(500, words.FAILED),
    }


def _status(error: DicfaceError) -> int:
    match error:
        case TooLargeError():
            return 413
        case ImageError():
            return 422
        case TooLongError():
            return 503
        case _:
            return 400
