"""Who may ask, and what every answer says to the browser."""

import hmac
import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from typing import Final
from urllib.parse import parse_qsl, urlencode, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

#: Most bytes of a request's headers.
MAX_HEADERS: Final = 16_384
#: What a page may load: its own files, and pictures that it has in memory. No other origin.
POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data: blob:",
        "connect-src 'self'",
        "media-src 'self' blob:",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
#: Of every answer. `Cache-Control` is that of answers which do not bring their own.
HEADERS: Final = {
    "Content-Security-Policy": POLICY,
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=(), display-capture=()",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}

_READING: Final = ("GET", "HEAD")


@dataclass(frozen=True)
class Door:
    """How the server is reached, and what has to be shown to come in.

    Parameters
    ----------
    names
        The names by which browsers may call it, beside addresses in digits. Another name in a
        request is that of a stranger whose name server points here (DNS rebinding).
    loopback
        Whether only this machine can reach it; then no address but a loopback one is its own.
    token
        What a browser has to show; None for nothing.
    cookie
        The name of the cookie that keeps the token in the browser.
    """

    names: frozenset[str]
    loopback: bool
    token: str | None = None
    cookie: str = "facslens"

    def is_own(self, host: str) -> bool:
        """Tell whether a Host header names this server.

        Examples
        --------
        >>> door = Door(frozenset({"localhost"}), loopback=True)
        >>> [door.is_own(host) for host in ("127.0.0.1:80", "[::1]", "localhost:8", "LOCALHOST")]
        [True, True, True, True]
        >>> [door.is_own(host) for host in ("evil.example", "10.0.0.7", "127.0.0.1@evil", "")]
        [False, False, False, False]
        """
        if not host or set(host) & set("@/\\?# "):
            return False
        try:
            parts = urlsplit(f"//{host}")
            name, _ = parts.hostname or "", parts.port
        except ValueError:
            return False
        try:
            address = ipaddress.ip_address(name)
        except ValueError:
            return name in self.names
        return address.is_loopback or not self.loopback

    def opens(self, shown: str | None) -> bool:
        """Tell whether what was shown is the token, in a time that does not say how near it was."""
        if self.token is None:
            return True
        return hmac.compare_digest((shown or "").encode(), self.token.encode())


class Guard:
    """Let only those requests through that a browser on the page itself would make.

    Parameters
    ----------
    app
        What answers them.
    door
        How the server is reached.
    """

    def __init__(self, app: ASGIApp, door: Door) -> None:
        self.app, self.door = app, door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(HEADERS)
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        answer = self._refusal(scope) or self.app
        await answer(scope, receive, sending)

    def _refusal(self, scope: Scope) -> Response | None:
        """Give what is answered in place of the page; None where the request may pass."""
        headers, method = Headers(scope=scope), scope["method"]
        if sum(len(name) + len(value) for name, value in headers.raw) > MAX_HEADERS:
            return _no(431, "The headers are too large.")
        host = headers.get("host", "")
        if not self.door.is_own(host):
            return _no(421, "This server is not known by that name.")
        if self.door.token is not None:
            query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
            shown = next((value for name, value in query if name == "token"), None)
            if shown is None:
                if not self.door.opens(_cookie(headers.getlist("cookie"), self.door.cookie)):
                    return _no(403, "Open the address with the token that facslens serve printed.")
            elif not self.door.opens(shown):
                return _no(403, "That is not the token that facslens serve printed.")
            elif method in _READING:
                return self._welcome(scope, query)
        if not _is_from_itself(headers, method, host):
            return _no(403, "Only the pages of this server may ask for that.")
        return None

    def _welcome(self, scope: Scope, query: Iterable[tuple[str, str]]) -> Response:
        """Keep the token in a cookie, and take it out of the address."""
        rest = urlencode([(name, value) for name, value in query if name != "token"])
        path = "/" + scope["path"].lstrip("/\\")  # never //other.example
        response = RedirectResponse(path + (f"?{rest}" if rest else ""), 303)
        response.set_cookie(self.door.cookie, self.door.token or "", httponly=True, samesite="lax")
        return response


def _is_from_itself(headers: Headers, method: str, host: str) -> bool:
    """Tell whether a page of this server asks, or a person who opens one."""
    site = headers.get("sec-fetch-site", "same-origin")
    opened = (headers.get("sec-fetch-mode"), headers.get("sec-fetch-dest"))
    if method in _READING:
        return site in ("same-origin", "none") or opened == ("navigate", "document")
    origin = headers.get("origin", "")
    return site == "same-origin" and origin in (f"http://{host}", f"https://{host}")


def _cookie(headers: Iterable[str], name: str) -> str | None:
    for header in headers:
        try:
            found = SimpleCookie(header)
        except CookieError:
            continue
        if name in found:
            return found[name].value
    return None


def _no(status: int, sentence: str) -> Response:
    return PlainTextResponse(sentence + "\n", status, {"Connection": "close"})
