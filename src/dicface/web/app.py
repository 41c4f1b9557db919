"""The web application: the page, its photos, and `POST /restore`."""

import re
import secrets
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from dicface.errors import DicfaceError, UsageError
from dicface.images.clips import CLIP_SUFFIXES
from dicface.images.photo import READ_SUFFIXES
from dicface.runtime.models import DEFAULT_MODEL, DEFAULT_SHARPNESS, models_to_choose, sharp_twin
from dicface.runtime.parallel import Result
from dicface.version import __version__
from dicface.web import words, work
from dicface.web.album import Album, Entry
from dicface.web.api import in_parameters, read_options, restore_upload
from dicface.web.desk import Desk
from dicface.web.guard import App, Guard
from dicface.web.messages import read_list, read_request, read_strengths
from dicface.web.networks import NO_NETWORKS, AddedNetworks, BackgroundWait
from dicface.web.replies import PRIVATE, Refusal, attachment, error_handlers, file_response, write_zip
from dicface.web.request import MAX_UPLOAD_MEGAPIXELS
from dicface.web.result import FACES_FILE, WrittenFaces, compose
from dicface.web.uploads import read_json, receive, receive_any
from dicface.web.worker import Arguments

PAGE = Path(__file__).parent / "page"
_PICTURE = re.compile(r"(preview|plain|before)\.jpg|face-\d{1,4}(-before|-steps)?\.png")
MAX_ZIPPED = 100


class _PageFiles(StaticFiles):
    """Files of the page, which browsers revalidate at every load: modules of two versions would not run together."""

    def file_response(self, *args: Any, **named: Any) -> Response:
        response = super().file_response(*args, **named)
        response.headers["cache-control"] = "no-cache"
        return response


class Page:
    """The handlers of the page's requests.

    Args:
        album: the uploaded photos.
        desk: the queue for the worker.
        upload_mb: largest upload in megabytes.
        root_path: prefix under which a proxy serves the page.
        networks: the operator's.
        wait: how long the network for the background takes; None without one.
    """

    def __init__(
        self,
        album: Album,
        desk: Desk,
        upload_mb: int,
        root_path: str = "",
        networks: AddedNetworks = NO_NETWORKS,
        wait: BackgroundWait | None = None,
    ) -> None:
        self._album = album
        self._desk = desk
        self._upload_mb = upload_mb
        self._root_path = root_path
        self._networks = networks
        self._wait = wait

    def routes(self) -> list[Route | Mount]:
        """What is asked where."""
        return [
            Route("/", self.index),
            Route("/healthz", self.health),
            Route("/settings", self.settings),
            Route("/photos", self.upload, methods=["POST"]),
            Route("/photos/{id}", self.remove, methods=["DELETE"]),
            Route("/photos/{id}/queue", self.queue),
            Route("/photos/{id}/faces", self.faces, methods=["POST"]),
            Route("/photos/{id}/restored", self.restored, methods=["POST"]),
            Route("/photos/{id}/result", self.result, methods=["POST"]),
            Route("/photos/{id}/report", self.report, methods=["POST"]),
            Route("/photos/{id}/{name}", self.picture),
            Route("/zip", self.zip, methods=["POST"]),
            Route("/restore", self.restore, methods=["POST"]),
            Mount("/static", _PageFiles(directory=PAGE)),
        ]

    async def index(self, request: Request) -> Response:
        """The page. Its addresses are relative to the prefix."""
        html = (PAGE / "index.html").read_text(encoding="utf-8")
        return HTMLResponse(html.replace("{root}", f"{self._root_path}/"), headers={"cache-control": "no-cache"})

    async def health(self, request: Request) -> Response:
        """Whether requests are answered."""
        return JSONResponse({"status": "ok", "version": __version__}, headers=PRIVATE)

    async def settings(self, request: Request) -> Response:
        """What the page's script has to know of the server."""
        models = [{"name": name, "words": words.NAMES_OF_MODELS.get(name, name)} for name in models_to_choose()]
        models.sort(key=lambda model: model["name"] != DEFAULT_MODEL)
        return JSONResponse(
            {
                "upload_mb": self._upload_mb,
                "megapixels": MAX_UPLOAD_MEGAPIXELS,
                "models": models,
                "sharp": sharp_twin(DEFAULT_MODEL) is not None,
                "sharpness": DEFAULT_SHARPNESS,
                "large_faces": self._networks.large_faces is not None,
                "background": self._wait and self._wait._asdict(),
                "suffixes": READ_SUFFIXES,
                "clips": CLIP_SUFFIXES,
                "version": __version__,
            }
        )

    async def upload(self, request: Request) -> Response:
        """Take a photo, which is the request's body."""
        entry = self._album.add(request.query_params.get("name", "photo"))
        try:
            await receive(request, entry.source, self._upload_mb << 20)
            seen = await self._work(request, entry, work.look, entry.source, entry.folder)
        except BaseException:
            self._album.remove(entry.id)
            raise
        return JSONResponse({**seen, "id": entry.id, "name": entry.name}, 201, PRIVATE)

    async def remove(self, request: Request) -> Response:
        """Delete a photo."""
        self._album.remove(request.path_params["id"])
        return Response(status_code=204)

    async def queue(self, request: Request) -> Response:
        """How many are served before a photo."""
        return JSONResponse({"ahead": self._desk.ahead(request.path_params["id"])}, headers=PRIVATE)

    async def faces(self, request: Request) -> Response:
        """Find faces, and say what would happen to each."""
        entry = self._entry(request.path_params["id"])
        asked = read_request(await read_json(request), entry, self._networks)
        found = await self._work(request, entry, work.find, asked)
        return JSONResponse(found, headers=PRIVATE)

    async def restored(self, request: Request) -> Response:
        """Restore every face of a photo that can be."""
        entry = self._entry(request.path_params["id"])
        asked = read_request(await read_json(request), entry, self._networks)
        try:
            done = await self._work(request, entry, work.restore, asked)
        except Refusal as refusal:
            refusal.background = asked.enlarged_file is not None
            raise
        return JSONResponse(done, headers=PRIVATE)

    async def result(self, request: Request) -> Response:
        """The restored photo with the chosen faces and strengths."""
        written = await self._composed(request, await read_json(request), request.path_params["id"])
        return file_response(written.path, written.name)

    async def report(self, request: Request) -> Response:
        """The report of the same."""
        written = await self._composed(request, await read_json(request), request.path_params["id"])
        return JSONResponse(written.row, headers={**PRIVATE, **attachment(f"{Path(written.name).stem}.json")})

    async def picture(self, request: Request) -> Response:
        """A picture that the page shows."""
        entry, name = self._entry(request.path_params["id"]), request.path_params["name"]
        path = entry.folder / name
        if not _PICTURE.fullmatch(name) or not path.is_file():
            raise HTTPException(404, words.GONE)
        return FileResponse(path, headers=PRIVATE)

    async def zip(self, request: Request) -> Response:
        """Several results and their report in one file."""
        photos = read_list(await read_json(request), "photos", MAX_ZIPPED)
        results = [await self._composed(request, photo, str(photo.get("id"))) for photo in photos]
        target = self._entry(str(photos[0].get("id"))).folder / f"{secrets.token_hex(8)}.zip"
        await run_in_threadpool(write_zip, target, results)
        return file_response(target, "restored.zip")

    async def restore(self, request: Request) -> Response:
        """A photo in, the restored photo or its report out; see `api`."""
        entry = self._album.add(request.query_params.get("name", "photo"))
        try:
            entry, values = await receive_any(request, self._album, entry, self._upload_mb << 20)
            options = read_options(values, self._networks)
            written = await self._work(request, entry, restore_upload, entry.source, entry.folder, entry.name, options)
        except BaseException as error:
            self._album.remove(entry.id)
            if isinstance(error, UsageError):
                # Its text names the parameter, for the author of a program.
                return JSONResponse({"error": in_parameters(error)}, 400)
            raise
        wants_json = "application/json" in request.headers.get("accept", "")
        response = (
            JSONResponse(written.row, headers=PRIVATE) if wants_json else file_response(written.path, written.name)
        )
        response.background = BackgroundTask(self._album.remove, entry.id)
        return response

    def _entry(self, entry_id: str) -> Entry:
        entry = self._album.find(entry_id)
        if entry is None:
            raise HTTPException(404, words.GONE)
        return entry

    async def _work(
        self,
        request: Request,
        entry: Entry,
        function: Callable[Arguments, Result],
        *args: Arguments.args,
        **kwargs: Arguments.kwargs,
    ) -> Result:
        """Run a function in the worker; its errors become answers in the visitor's words."""
        try:
            return await self._desk(entry.id, request.is_disconnected, function, *args, **kwargs)
        except UsageError:
            raise
        except DicfaceError as error:
            raise Refusal(error, entry.name) from error

    async def _composed(self, request: Request, said: Any, entry_id: str) -> WrittenFaces:
        entry = self._entry(entry_id)
        asked, strengths = read_request(said, entry, self._networks), read_strengths(said)
        if not (entry.folder / FACES_FILE).is_file():
            raise HTTPException(404, words.GONE)
        return await self._work(request, entry, compose, asked, strengths)


def make_app(
    album: Album,
    desk: Desk,
    *,
    upload_mb: int,
    root_path: str = "",
    networks: AddedNetworks = NO_NETWORKS,
    wait: BackgroundWait | None = None,
    started: Callable[[], None] = lambda: None,
) -> App:
    """The application.

    Args:
        album: the uploaded photos.
        desk: the queue for the worker.
        upload_mb: largest upload in megabytes.
        root_path: prefix under which a proxy serves the page, such as /faces; empty for none.
        networks: the operator's networks beside the face models.
        wait: how long the network for the background takes; None without one.
        started: called once when the server has started.
    """

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncGenerator[None]:
        started()
        yield

    page = Page(album, desk, upload_mb, root_path, networks, wait)
    app = Starlette(routes=page.routes(), exception_handlers=error_handlers(), lifespan=lifespan)
    return Guard(app, upload_mb, root_path)
