"""The board as a web application: pages, documents and files by their addresses."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from isolet_nn.board.answers import Answer, Answers
from isolet_nn.board.files import download
from isolet_nn.board.guard import Guard
from isolet_nn.board.index import RunsIndex
from isolet_nn.board.table import Query
from isolet_nn.errors import ConfigError, IsoletNNError, RunError, printable
from isolet_nn.pages.assets import plotly_script

PAGES = ("/", "/run", "/sweep", "/search", "/comparison")
"""Addresses of the one page, which shows what its address says."""
_TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}
_MOST_CHARACTERS = 8000


def make_app(
    index: RunsIndex,
    names: frozenset[str],
    token: str | None,
    tell: Callable[[str], None],
) -> ASGIApp:
    """The application.

    Parameters
    ----------
    index
        Which runs and sweeps there are.
    names
        Names under which it may be asked; see `guard`.
    token
        What a person has to know, if anything.
    tell
        Hears of what should not have happened.
    """
    board = _Board(index, tell)
    routes = [
        *(Route(path, board.page) for path in PAGES),
        Route("/documents/table", board.answered(board.table)),
        Route("/documents/{kind}", board.answered(board.document)),
        Route("/files/{name}/{path:path}", board.answered(board.file)),
        Route("/assets/plotly.min.js", board.plotly),
        Route("/assets/{package}/{name}", board.asset),
    ]
    app = Starlette(routes=routes)
    app.router.redirect_slashes = False  # an address is right or wrong
    return Guard(app, names, token)


class _Board:
    def __init__(self, index: RunsIndex, tell: Callable[[str], None]) -> None:
        self._index = index
        self._answers = Answers(index)
        self._tell = tell
        self._assets = _assets()
        self._plotly = plotly_script()

    def page(self, request: Request) -> Response:
        return self._sent(request, "board", "index.html")

    def asset(self, request: Request) -> Response:
        return self._sent(request, request.path_params["package"], request.path_params["name"])

    def plotly(self, request: Request) -> Response:
        response = FileResponse(self._plotly, media_type="text/javascript")
        response.headers["Cache-Control"] = "no-cache"
        return response

    def table(self, request: Request) -> Response:
        return _as_response(request, self._answers.table(_query(request)))

    def document(self, request: Request) -> Response:
        paths = request.query_params.getlist("of")
        try:
            return _as_response(request, self._answers.document(request.path_params["kind"], paths))
        except ValueError as error:
            raise ConfigError(str(error)) from None

    def file(self, request: Request) -> Response:
        folder = self._index.folder(request.path_params["name"])
        return download(folder, self._index.runs_dir, request.path_params["path"])

    def answered(self, handle: Callable[[Request], Response]) -> Callable[[Request], Response]:
        """A handler whose errors are answers: what cannot be answered ends no server."""

        def answer(request: Request) -> Response:
            try:
                if len(str(request.url)) > _MOST_CHARACTERS:
                    raise ConfigError("the address is too long")
                return handle(request)
            except RunError as error:
                return _problem(404, str(error))
            except IsoletNNError as error:
                return _problem(400, str(error))
            except OSError as error:
                return _problem(500, f"cannot be read: {error.strerror or error}")
            except Exception as error:
                what = f"{type(error).__name__}: {error}"
                self._tell(f"{request.url.path}: {what}")
                return _problem(500, what)

        return answer

    def _sent(self, request: Request, package: str, name: str) -> Response:
        asset = self._assets.get(f"{package}/{name}")
        if asset is None:
            return _problem(404, "there is no such file")
        content, tag = asset
        if _knows(request, tag):
            return Response(status_code=304, headers=_validated_by(tag))
        kind = _TYPES[Path(name).suffix]
        return Response(content, 200, _validated_by(tag), kind)


def _assets() -> dict[str, tuple[bytes, str]]:
    """What the browser is sent of the packages, by address, each with its tag."""
    found = {}
    for package in ("board", "pages"):
        for file in files(f"isolet_nn.{package}").joinpath("assets").iterdir():
            if Path(file.name).suffix in _TYPES:
                content = file.read_bytes()
                found[f"{package}/{file.name}"] = (
                    content,
                    hashlib.sha256(content).hexdigest()[:32],
                )
    return found


def _query(request: Request) -> Query:
    given = request.query_params
    try:
        page = int(given.get("page", "1"))
    except ValueError:
        raise ConfigError(f"page: found {given['page']!r}, which is no number") from None
    return Query(
        filters=tuple(filter(None, given.getlist("filter"))),
        search=given.get("search", ""),
        sort=given.get("sort") or None,
        reverse="reverse" in given,
        columns=_names(given.get("columns", "")),
        group=_names(given.get("group", "")),
        page=page,
    )


def _names(text: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for part in text.split(",") if (name := part.strip())))


def _as_response(request: Request, answer: Answer) -> Response:
    headers = {**_validated_by(answer.tag), "Poll-After": str(answer.poll_after)}
    if _knows(request, answer.tag):
        return Response(status_code=304, headers=headers)
    return Response(answer.content, 200, headers, "application/json")


def _validated_by(tag: str) -> dict[str, str]:
    return {"ETag": f'"{tag}"', "Cache-Control": "no-cache"}


def _knows(request: Request, tag: str) -> bool:
    return f'"{tag}"' in request.headers.get("if-none-match", "")


def _problem(status: int, text: str) -> Response:
    return JSONResponse({"error": printable(text)}, status, {"Cache-Control": "no-store"})
