"""The command for the web page: serve."""

from importlib.util import find_spec
from typing import Annotated

import typer

from dicface.errors import UsageError


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on; 127.0.0.1 is this machine alone.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")] = 7860,
    upload_mb: Annotated[int, typer.Option(min=1, help="Largest file that may be uploaded, in megabytes.")] = 32,
    waiting: Annotated[int, typer.Option(min=1, help="Largest number of waiting requests.")] = 16,
    time_limit: Annotated[float, typer.Option(min=1, help="Longest time for one photo, in seconds.")] = 120,
    keep: Annotated[int, typer.Option(min=10, help="Seconds after which uploads and results are deleted.")] = 900,
) -> None:
    """Serve the web page on this machine (needs the web extra)."""
    if find_spec("gradio") is None:
        raise UsageError("this command needs the web extra; pip install 'dicface[web]'")
    from dicface.web.serve import Limits
    from dicface.web.serve import serve as serve_page

    limits = Limits(upload_mb, waiting, time_limit, keep)
    serve_page(host, port, limits, lambda: typer.echo(f"http://{host}:{port} (Ctrl+C ends it)"))
