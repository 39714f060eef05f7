"""The pages `/`, `/plant` and `/market`, and the files they are made of.

Everything comes from this server: the page's own modules, and plotly out of its wheel.
Addresses carry a version, so browsers may keep the files for ever.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import time
import zlib
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from flask import (
    Blueprint,
    Response,
    abort,
    render_template,
    request,
    send_from_directory,
)

bp = Blueprint("web", __name__, template_folder="templates")

STATIC = Path(__file__).parent / "static"
FOREVER = "public, max-age=31536000, immutable"
PIECE = 64 * 1024

# plotly puts its rules into a style element of its own: hence 'unsafe-inline' there,
# and there alone. data: and blob: serve its "download as picture" button.
POLICY = (
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
    "object-src 'none'; base-uri 'none'; frame-ancestors 'self'"
)


@lru_cache(maxsize=4)
def _version_of(files: tuple[tuple[str, int, int], ...]) -> str:
    """A hash of what the files contain; `files` says when it has to be taken anew."""
    digest = hashlib.sha256()
    for name, _, _ in files:
        digest.update(name.encode() + b"\0" + (STATIC / name).read_bytes())
    return digest.hexdigest()[:12]


def static_version() -> str:
    """The version in the address of the page's files; it changes when one of them does.

    One version for all: modules import each other by relative address, so a new one
    never meets an old one out of the browser's cache.
    """
    stats = []
    for path in sorted(STATIC.rglob("*")):
        if path.is_file():
            stat = path.stat()
            name = path.relative_to(STATIC).as_posix()
            stats.append((name, stat.st_mtime_ns, stat.st_size))
    return _version_of(tuple(stats))


@lru_cache(maxsize=1)
def plotly_file() -> tuple[Path, str]:
    """Where the installed plotly keeps its JavaScript, and the wheel's version.

    Found without importing the package: the web process stays free of what it imports.
    Raises FileNotFoundError if the wheel is missing or has no such file.
    """
    spec = importlib.util.find_spec("plotly")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        path = Path(folder) / "package_data" / "plotly.min.js"
        if path.is_file():
            return path, importlib.metadata.version("plotly")
    raise FileNotFoundError(
        "plotly.min.js is not in the installed plotly: pip install -r requirements.txt"
    )


class _Squeezed:
    """plotly, compressed once, on the first request, and then kept (1.5 MB)."""

    def __init__(self) -> None:
        self.whole: bytes | None = None

    def pieces(self, path: Path) -> Iterator[bytes]:
        """The compressed file, piece by piece.

        Compressing takes 0.13 s, during which one event loop would serve nobody else:
        sleep(0) lets the others in after each piece (some 2 ms), under eventlet and
        threads alike.
        """
        squeeze = zlib.compressobj(6, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
        parts = []
        with path.open("rb") as source:
            while piece := source.read(PIECE):
                parts.append(squeeze.compress(piece))
                time.sleep(0)
                if parts[-1]:
                    yield parts[-1]
        parts.append(squeeze.flush())
        yield parts[-1]
        self.whole = b"".join(parts)


_plotly_gzip = _Squeezed()


@bp.get("/")
def page() -> Response:
    """The page where analyses are started and watched."""
    return _page("page.html", here="runs")


@bp.get("/plant")
def plant() -> Response:
    """The page of one plant: its price, its file, its variants."""
    return _page("plant.html", here="plant")


@bp.get("/market")
def market() -> Response:
    """The page where tables of purchases are uploaded and fitted."""
    return _page("market.html", here="market")


def _page(template: str, here: str) -> Response:
    text = render_template(
        template,
        here=here,
        assets=f"assets/{static_version()}",
        plotly=plotly_file()[1],
    )
    response = Response(text, mimetype="text/html")
    response.headers["Cache-Control"] = "no-cache"
    response.headers["Content-Security-Policy"] = POLICY
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "same-origin"
    return response


@bp.get("/favicon.ico")
def favicon() -> Response:
    """The icon, for browsers that ask for it unasked (on `/docs`, for one)."""
    response = send_from_directory(STATIC, "icon.svg", mimetype="image/svg+xml")
    response.headers["Cache-Control"] = "public, max-age=86400"
    return response


@bp.get("/assets/plotly-<version>.min.js")
def plotly(version: str) -> Response:
    """plotly out of its wheel, gzipped for all who understand it."""
    path, installed = plotly_file()
    if version != installed:
        abort(404)
    if request.accept_encodings.quality("gzip") == 0:
        response = send_from_directory(path.parent, path.name)
    elif _plotly_gzip.whole is not None:
        response = Response(_plotly_gzip.whole)
        response.headers["Content-Encoding"] = "gzip"
    else:
        response = Response(_plotly_gzip.pieces(path))
        response.headers["Content-Encoding"] = "gzip"
    response.headers["Content-Type"] = "text/javascript; charset=utf-8"
    response.headers["Cache-Control"] = FOREVER
    response.headers["Vary"] = "Accept-Encoding"
    return response


@bp.get("/assets/<version>/<path:name>")
def asset(version: str, name: str) -> Response:
    """One of the page's own files; kept for ever if the version is today's."""
    response = send_from_directory(STATIC, name)
    if name.endswith(".js"):
        # What the system's registry says of .js is sometimes text/plain, and browsers
        # refuse a module of that type.
        response.headers["Content-Type"] = "text/javascript; charset=utf-8"
    current = version == static_version()
    response.headers["Cache-Control"] = FOREVER if current else "no-cache"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response
