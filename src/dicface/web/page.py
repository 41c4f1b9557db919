"""The web page: its components and their actions."""

import os
import secrets
from pathlib import Path
from typing import Any

import gradio as gr

from dicface.errors import DicfaceError
from dicface.images.draw import draw_boxes
from dicface.images.photo import READ_SUFFIXES, Photo, read_photo, write_photo
from dicface.runtime.models import DEFAULT_MODEL, embedded_models
from dicface.web.answer import Request, answer, preview, read_boxes
from dicface.web.worker import Worker

EXAMPLE = Path(__file__).parent / "example.jpg"
"""NASA's portrait of Eileen Collins (public domain), its face shrunk to 22 px."""
SCALES = [1, 2, 4, 8]
# A strip of faces is wide and low; its label, two lines on a phone, would cover it.
STYLE = """
#faces .grid-wrap { min-height: 0 !important; height: auto !important; padding-top: 2rem; }
#faces .grid-wrap .thumbnail-item { aspect-ratio: 5 / 1; height: auto; }
@media (max-width: 640px) { #faces .grid-wrap { padding-top: 3rem; } }
"""
INTRODUCTION = """# dicface
Drop a photo. Its small faces are restored and the photo is enlarged. What you see of a face is an estimate:
most of its detail comes from other faces, so it is never evidence of who somebody is."""
HOW_TO_DRAW = (
    "No face found, or the wrong one? Click two opposite corners of it in the photo, or write "
    "left, top, right, bottom in pixels of the photo, one face a line: brows to chin."
)


def _refuse_links(upload: gr.File) -> None:
    """Accept uploaded files only: with a link in place of a file, the server would fetch it.

    The method is replaced on the object, since Gradio writes a stub file for each subclass of a component. Gradio's
    manual does not name the method, so pyproject.toml caps Gradio below its next major version.
    """
    take = upload.async_move_resource_to_block_cache

    async def refuse(url_or_file_path: str | Path | None) -> str | None:
        if "://" in str(url_or_file_path):
            raise gr.Error("Expected an uploaded file, got a link.", print_exception=False)
        return await take(url_or_file_path)

    upload.async_move_resource_to_block_cache = refuse


def _folder(root: Path) -> Path:
    """Create a folder with a random name for the files of one response."""
    folder = root / secrets.token_urlsafe(16)
    folder.mkdir()
    return folder


class _Actions:
    """Actions of the page's components.

    Args:
        worker: process for the work.
        root: folder for all files of the page.
    """

    def __init__(self, worker: Worker, root: Path) -> None:
        self._worker = worker
        self._root = root

    def example(self) -> str:
        """Copy the example among the page's files, since Gradio serves only these."""
        copy = _folder(self._root) / EXAMPLE.name
        copy.write_bytes(EXAMPLE.read_bytes())
        return str(copy)

    def forget(self) -> tuple[Any, ...]:
        """Clear the results of the previous photo."""
        nothing, gone = gr.update(value=None, interactive=False), gr.update(value=None, visible=False)
        return None, "", gone, gone, nothing, nothing

    def look(self, path: str | None) -> tuple[Any, ...]:
        """Show an uploaded photo."""
        if path is None:
            return None, "", 1.0, []
        folder = _folder(self._root)
        try:
            shown, factor = self._worker(preview, Path(path), folder)
        except DicfaceError as error:
            raise _told(error) from error
        return str(shown), "", factor, []

    def point(
        self, event: gr.SelectData, path: str | None, text: str, factor: float, corners: list[list[float]]
    ) -> tuple[str | None, str, list[list[float]]]:
        """Add a corner of a face; two corners make a box."""
        x, y = event.index
        corners = [*corners, [x * factor, y * factor]]
        if len(corners) == 2:
            (left, right), (top, bottom) = (sorted(pair) for pair in zip(*corners, strict=True))
            text = "\n".join(filter(None, (text.strip(), f"{left:.0f}, {top:.0f}, {right:.0f}, {bottom:.0f}")))
            corners = []
        return self.draw(path, text, factor), text, corners

    def draw(self, path: str | None, text: str, factor: float) -> str | None:
        """Show the photo with the boxes of the text field."""
        if path is None:
            return None
        folder = _folder(self._root)
        try:
            shown, _ = self._worker(preview, Path(path), folder)
            boxes = [[edge / factor for edge in box] for box in read_boxes(text)]
            write_photo(shown, Photo(draw_boxes(read_photo(shown).pixels, boxes)))
        except DicfaceError as error:
            raise _told(error) from error
        return str(shown)

    def restore(self, path: str | None, model: str, scale: float, text: str) -> tuple[Any, ...]:
        """Restore the photo."""
        if path is None:
            raise gr.Error("Drop a photo first.", print_exception=False)
        if not Path(path).exists():
            raise gr.Error("The photo has been deleted in the meantime; drop it again.", print_exception=False)
        os.utime(path)  # a file in use is not deleted
        try:
            done = self._worker(answer, Request(Path(path), _folder(self._root), model, scale, read_boxes(text)))
        except DicfaceError as error:
            raise _told(error) from error
        faces = [(str(strip), caption) for strip, caption in zip(done.faces, done.captions, strict=True)]
        return (
            done.summary,
            gr.update(value=(str(done.before), str(done.after)), visible=True),
            gr.update(value=faces, visible=bool(faces)),
            gr.update(value=str(done.photo), interactive=True),
            gr.update(value=str(done.report), interactive=True),
        )


def build(worker: Worker, root: Path, waiting: int) -> gr.Blocks:
    """Build the page.

    Args:
        worker: process for the work.
        root: folder for all files of the page.
        waiting: length of the queue; further requests are refused.
    """
    actions = _Actions(worker, root)
    with gr.Blocks(title="dicface", analytics_enabled=False) as page:
        factor, corners = gr.State(1.0), gr.State([])
        gr.Markdown(INTRODUCTION)
        with gr.Row():
            with gr.Column(min_width=280):
                photo = gr.File(label="Photo", file_types=list(READ_SUFFIXES), elem_id="photo", height=140)
                _refuse_links(photo)
                example = gr.Button("Take the example", size="sm", elem_id="example")
                shown = gr.Image(label="Your photo", type="filepath", interactive=False, buttons=[], elem_id="shown")
                with gr.Accordion("Draw faces yourself", open=False, elem_id="draw"):
                    gr.Markdown(HOW_TO_DRAW)
                    boxes = gr.Textbox(label="Faces: left, top, right, bottom", lines=2, elem_id="boxes")
                with gr.Row():
                    names = list(embedded_models("restoration"))
                    model = gr.Dropdown(names, value=DEFAULT_MODEL, label="Model", elem_id="model", min_width=120)
                    scale = gr.Dropdown(SCALES, value=4, label="Scale", elem_id="scale", min_width=120)
                go = gr.Button("Restore", variant="primary", elem_id="restore")
            with gr.Column(min_width=280, scale=2):
                summary = gr.Markdown("", elem_id="summary")
                slider = gr.ImageSlider(
                    label="Before and after", type="filepath", interactive=False, visible=False, elem_id="slider"
                )
                faces = gr.Gallery(
                    label="Faces: as found, after each step, with landmarks",
                    columns=1,
                    height="auto",
                    object_fit="contain",
                    visible=False,
                    elem_id="faces",
                )
                with gr.Row():
                    whole = gr.DownloadButton("Download the photo", interactive=False, elem_id="whole")
                    report = gr.DownloadButton("Download the report", interactive=False, elem_id="report")
        private: dict[str, Any] = {"api_visibility": "private"}
        results = [summary, slider, faces, whole, report]
        photo.change(actions.forget, None, [shown, *results], **private).then(
            actions.look, photo, [shown, boxes, factor, corners], **private
        )
        example.click(actions.example, None, photo, **private)
        shown.select(actions.point, [photo, boxes, factor, corners], [shown, boxes, corners], **private)
        boxes.blur(actions.draw, [photo, boxes, factor], shown, **private)
        go.click(actions.restore, [photo, model, scale, boxes], results, api_name="restore", concurrency_limit=1)
    return page.queue(max_size=waiting, default_concurrency_limit=4)


def _told(error: DicfaceError) -> gr.Error:
    """An error message that stays until it is closed."""
    text = str(error)
    return gr.Error(f"{text[:1].upper()}{text[1:]}.", duration=None, print_exception=False)
