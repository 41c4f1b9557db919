"""The command for the web page: serve."""

from typing import Annotated

import typer

from dicface.cli.photo_options import Background, Fidelity, LargeFacesOption


def serve(
    *,
    host: Annotated[str, typer.Option(help="Address to listen on; 127.0.0.1 is this machine alone.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")] = 7860,
    root_path: Annotated[str, typer.Option(help="Prefix under which a proxy serves the page, such as /faces.")] = "",
    large_faces: LargeFacesOption = None,
    background: Background = None,
    fidelity: Fidelity = 0.5,
    open_browser: Annotated[bool, typer.Option("--open", help="Open the page in the browser of this machine.")] = False,
    upload_mb: Annotated[int, typer.Option(min=1, help="Largest file that may be uploaded, in megabytes.")] = 128,
    waiting: Annotated[int, typer.Option(min=1, help="Largest number of waiting requests.")] = 16,
    time_limit: Annotated[float, typer.Option(min=1, help="Longest time for one photo, in seconds.")] = 120,
    keep: Annotated[int, typer.Option(min=10, help="Seconds after which uploads and results are deleted.")] = 900,
) -> None:
    """Serve the web page and `POST /restore` on this machine.

    Visitors can switch the networks of --large-faces and --background on and off.
    """
    from dicface.web.networks import AddedNetworks
    from dicface.web.serve import Limits
    from dicface.web.serve import serve as serve_page

    serve_page(
        host,
        port,
        Limits(upload_mb, waiting, time_limit, keep),
        root_path=root_path,
        networks=AddedNetworks(large_faces, background, fidelity),
        open_browser=open_browser,
        ready=lambda: typer.echo(f"http://{host}:{port}{root_path} (Ctrl+C ends it)"),
    )
