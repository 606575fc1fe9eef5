"""Who may ask the board, and how: what other pages in the same browser try is refused.

A page on the web can send requests to this machine. It cannot read the answers, unless its own
name leads here (DNS rebinding): so the name that was asked for has to be this machine's. What it
sends on behalf of somebody else tells its origin, and is refused too.
"""

from __future__ import annotations

import ipaddress
import secrets
from collections.abc import Mapping
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

METHODS = ("GET", "HEAD")
TOKEN = "token"  # noqa: S105 - the name of a parameter
HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": "; ".join(
        [
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "img-src 'self' data: blob:",
            "connect-src 'self'",
            "base-uri 'none'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        ]
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
"""What every answer says to browsers: run and show what is ours, nowhere but here."""
_WEEK = 7 * 24 * 3600


class Guard:
    """Lets requests pass that a person at this machine may have sent.

    Parameters
    ----------
    app
        What answers them.
    names
        Names under which this machine may be asked, besides its addresses.
    token
        What a person has to know, if anything: the link has it, and a cookie keeps it.
    """

    def __init__(self, app: ASGIApp, names: frozenset[str], token: str | None) -> None:
        self._app = app
        self._names = names
        self._token = token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it."""
        if scope["type"] != "http":
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
            await send(message)

        app = self._refusal(scope) or self._app
        await app(scope, receive, send_with_headers)

    def _refusal(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        if scope["method"] not in METHODS:
            allow = {"Allow": ", ".join(METHODS)}
            return PlainTextResponse("the board is only read", 405, allow)
        hosts = headers.getlist("host")
        if len(hosts) != 1 or not self._is_ours(hosts[0]):
            return PlainTextResponse("this machine is not called so", 421)
        if any(not _same(origin, hosts[0]) for origin in headers.getlist("origin")):
            return PlainTextResponse("another site may not ask the board", 403)
        is_visit = headers.get("sec-fetch-mode") == "navigate"
        if headers.get("sec-fetch-site", "none") in ("cross-site", "same-site") and not (
            is_visit and headers.get("sec-fetch-dest") == "document"
        ):
            return PlainTextResponse("another site may not ask the board", 403)
        return None if self._token is None else self._without_token(scope, headers, self._token)

    def _is_ours(self, host: str) -> bool:
        name = _name(host)
        return name in self._names or (self._token is not None and _is_address(name))

    def _without_token(self, scope: Scope, headers: Headers, token: str) -> Response | None:
        """None if the request has the token; else a refusal, or what keeps it in a cookie."""
        name = cookie_name(scope)
        if _matches(_cookie(headers, name), token):
            return None
        query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        given = [value for key, value in query if key == TOKEN]
        if len(given) != 1 or not _matches(given[0], token):
            return PlainTextResponse(
                "the board needs its token: open the link that `isolet-nn board` printed", 401
            )
        rest = urlencode([(key, value) for key, value in query if key != TOKEN])
        path = quote("/" + scope["path"].lstrip("/"))  # two slashes would lead to another host
        answer = RedirectResponse(f"{path}?{rest}" if rest else path, 303)
        # From here on the link has it no more: neither a history nor a screen shows it.
        answer.set_cookie(name, token, _WEEK, path="/", httponly=True, samesite="lax")
        answer.headers["Cache-Control"] = "no-store"
        return answer


def cookie_name(scope: Scope) -> str:
    """Cookies of a machine go to all its ports: each board has one of its own name."""
    server = scope.get("server") or ("", 0)
    return f"isolet-nn-board-{server[1]}"


def _cookie(headers: Headers, name: str) -> str:
    try:
        jar = SimpleCookie(headers.get("cookie", ""))
    except CookieError:
        return ""
    return jar[name].value if name in jar else ""


def _matches(given: str, token: str) -> bool:
    return secrets.compare_digest(given.encode(), token.encode())


def _name(host: str) -> str:
    """The host without its port, lower case; nothing where it is no host."""
    try:
        parts = urlsplit(f"//{host}")
        _ = parts.port
    except ValueError:
        return ""
    is_plain = parts.netloc == host and parts.username is None
    return (parts.hostname or "").removesuffix(".") if is_plain else ""


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _same(origin: str, host: str) -> bool:
    return origin.lower() == f"http://{host.lower()}"
