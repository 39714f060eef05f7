"""Which browser pages may open a socket here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit


def origin_allowed(
    origin: str | None, environ: Mapping[str, Any], allowed: Sequence[str]
) -> bool:
    """Whether a page from `origin` may open a socket.

    origin    the header Origin; None = no browser, nothing to guard against
    environ   the WSGI environment of the request
    allowed   the setting `allowed_origins`; `*` alone means any

    Pages of this server itself always may. They are told by the host they name:
    behind a proxy the scheme seen here is the proxy's, and `proxy_set_header Host
    $host` drops the port, so a Host without port is compared without.
    """
    if origin is None or "*" in allowed or origin.rstrip("/") in allowed:
        return True
    host = str(environ.get("HTTP_HOST", "")).lower()
    try:
        page = urlsplit(origin.lower())
        name = page.hostname
    except ValueError:  # a broken IPv6 address
        return False
    if page.scheme not in ("http", "https") or not host or name is None:
        return False
    return page.netloc == host or name == host.strip("[]")
