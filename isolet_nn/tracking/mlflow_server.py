"""A server of MLflow, asked over HTTP by the standard library alone.

That takes a few milliseconds of a processor, where importing MLflow's own package takes 1.5 s. The
environment variables that this package reads for a server are read here too.
"""

from __future__ import annotations

import base64
import contextlib
import http.client
import json
import os
import ssl
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlencode, urlsplit, urlunsplit

from isolet_nn.errors import TrackingError, one_line, without_credentials
from isolet_nn.tracking.store import Metric, Store, StoredRun

_MOST_BYTES = 1 << 26
"""Of an answer."""
_PAGE = 1000
"""Runs and values asked for at once."""
_FILES = "/api/2.0/mlflow-artifacts/artifacts"


class RefusalError(TrackingError):
    """A server's answer that it will not do what it is asked.

    Attributes
    ----------
    code
        The error code of MLflow's REST API, or the status of HTTP.
    """

    def __init__(self, message: str, code: str) -> None:
        super().__init__(message)
        self.code = code


class MlflowServer:
    """A server at an ``http`` or ``https`` address.

    Parameters
    ----------
    uri
        Its address; a user's name and password in it are taken out, and sent as such.
    timeout
        Seconds after which silence counts as no answer.
    other
        Reaches the same server by MLflow's own package, for files that go past the server.
    """

    def __init__(self, uri: str, timeout: float, other: Callable[[], Store]) -> None:
        parts = urlsplit(uri)
        user, password = unquote(parts.username or ""), unquote(parts.password or "")
        host = parts.netloc.rpartition("@")[2]
        self._uri = urlunsplit((parts.scheme, host, parts.path.rstrip("/"), "", ""))
        self._timeout = timeout
        self._other = other
        self._authorization = _authorization(user, password)
        self._open = urllib.request.build_opener(
            urllib.request.HTTPSHandler(context=_tls() if parts.scheme == "https" else None)
        ).open

    @property
    def uri(self) -> str:
        return self._uri

    def experiment(self, name: str) -> str:
        for attempt in ("get", "create", "get"):  # another process may have made it meanwhile
            try:
                if attempt == "create":
                    made = self._ask("experiments/create", {"name": name})
                    return str(made["experiment_id"])
                found = self._ask("experiments/get-by-name", query={"experiment_name": name})
            except RefusalError as refusal:
                if refusal.code not in ("RESOURCE_DOES_NOT_EXIST", "RESOURCE_ALREADY_EXISTS"):
                    raise
                continue
            if found["experiment"].get("lifecycle_stage") == "deleted":
                raise TrackingError(f"{self.uri}: the experiment {name!r} was deleted there")
            return str(found["experiment"]["experiment_id"])
        raise TrackingError(f"{self.uri}: has no experiment {name!r}, and makes none")

    def create(self, experiment: str, name: str, started: int, tags: Mapping[str, str]) -> str:
        content = {"experiment_id": experiment, "run_name": name, "start_time": started}
        made = self._ask("runs/create", content | {"tags": _pairs(tags)})
        return str(made["run"]["info"]["run_id"])

    def run(self, identity: str) -> StoredRun:
        found = _stored(self._ask("runs/get", query={"run_id": identity})["run"])
        if found is None:
            raise TrackingError(f"{self.uri}: the run {identity} was deleted there")
        return found

    def runs_with(self, experiment: str, tag: str, value: str) -> Iterator[StoredRun]:
        search = {
            "experiment_ids": [experiment],
            "filter": f"tags.`{tag}` = '{value}'",
            "max_results": _PAGE,
        }
        for page in self._pages("runs/search", search):
            yield from filter(None, map(_stored, page.get("runs", [])))

    def steps(self, identity: str, metric: str) -> set[int]:
        asked = {"run_id": identity, "metric_key": metric, "max_results": 25 * _PAGE}
        pages = self._pages("metrics/get-history", query=asked)
        return {int(value.get("step", 0)) for page in pages for value in page.get("metrics", [])}

    def log(
        self,
        identity: str,
        parameters: Mapping[str, str],
        metrics: Sequence[Metric],
        tags: Mapping[str, str],
    ) -> None:
        content = {
            "run_id": identity,
            "params": _pairs(parameters),
            "metrics": [metric._asdict() for metric in metrics],
            "tags": _pairs(tags),
        }
        self._ask("runs/log-batch", content)

    def set_status(self, identity: str, status: str, ended: int | None) -> None:
        content: dict[str, Any] = {"run_id": identity, "status": status}
        self._ask("runs/update", content | ({} if ended is None else {"end_time": ended}))

    def delete(self, identity: str) -> None:
        self._ask("runs/delete", {"run_id": identity})

    def upload(self, run: StoredRun, path: Path, place: str) -> None:
        parts = urlsplit(run.artifacts)
        if parts.scheme != "mlflow-artifacts":  # the server leaves files to its clients
            self._other().upload(run, path, place)
            return
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            headers = {"Content-Type": "application/octet-stream", "Content-Length": str(size)}
            address = f"{_FILES}{quote(parts.path)}/{quote(place)}"
            # An empty file that is handed over as a file is sent in chunks, without a length.
            self._send("PUT", address, file if size else b"", headers)

    def _pages(
        self,
        method: str,
        content: dict[str, Any] | None = None,
        query: dict[str, Any] | None = None,
    ) -> Iterator[dict[str, Any]]:
        """The pages of a long answer, one after another."""
        asked = content if content is not None else query
        assert asked is not None
        while True:
            page = self._ask(method, content, query)
            yield page
            token = page.get("next_page_token")
            if not token or token == asked.get("page_token"):
                return
            asked["page_token"] = token

    def _ask(
        self,
        method: str,
        content: Mapping[str, Any] | None = None,
        query: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Ask the REST API; return the object that it answers with."""
        address = f"/api/2.0/mlflow/{method}" + (f"?{urlencode(query)}" if query else "")
        data = None if content is None else json.dumps(content, allow_nan=False).encode()
        headers = {"Content-Type": "application/json"}
        answer = self._send("GET" if data is None else "POST", address, data, headers)
        try:
            found = json.loads(answer)
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise TrackingError(f"{self.uri}: answers what no server of MLflow does")
        return found

    def _send(self, verb: str, address: str, data: Any, headers: Mapping[str, str]) -> bytes:
        request = urllib.request.Request(  # noqa: S310 - of a scheme that was looked at
            self.uri + address, data, dict(headers), method=verb
        )
        if self._authorization is not None:  # which no redirection takes elsewhere
            request.add_unredirected_header("Authorization", self._authorization)
        try:
            with self._open(request, timeout=self._timeout) as answer:
                return bytes(answer.read(_MOST_BYTES))
        except urllib.error.HTTPError as error:
            raise self._refusal(error) from None
        except TimeoutError:
            raise TrackingError(f"{self.uri}: no answer within {self._timeout:g} s") from None
        except urllib.error.URLError as error:
            if isinstance(error.reason, TimeoutError):
                raise TrackingError(f"{self.uri}: no answer within {self._timeout:g} s") from None
            raise TrackingError(f"{self.uri}: {_words(error.reason)}") from None
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise TrackingError(f"{self.uri}: {_words(error)}") from None

    def _refusal(self, error: urllib.error.HTTPError) -> RefusalError:
        """What a server says that does not do what it is asked."""
        found: Any = None
        with contextlib.suppress(OSError, http.client.HTTPException, ValueError), error:
            found = json.loads(error.read(_MOST_BYTES))
        said = found if isinstance(found, dict) else {}
        code = str(said.get("error_code", error.code))
        message = f"{error.code} {code} {said.get('message', error.reason)}"
        if error.code in (401, 403):
            message += "; MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD say who you are"
        return RefusalError(f"{self.uri}: answers {_shortened(message)}", code)


def _stored(run: Mapping[str, Any]) -> StoredRun | None:
    """A run as the REST API describes it; None if it was deleted."""
    info, data = run["info"], run.get("data", {})
    if info.get("lifecycle_stage") == "deleted":
        return None
    return StoredRun(
        str(info["run_id"]),
        str(info["status"]),
        {tag["key"]: tag.get("value", "") for tag in data.get("tags", [])},
        frozenset(parameter["key"] for parameter in data.get("params", [])),
        {metric["key"]: float(metric["value"]) for metric in data.get("metrics", [])},
        str(info.get("artifact_uri", "")),
    )


def _pairs(values: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"key": key, "value": value} for key, value in values.items()]


def _authorization(user: str, password: str) -> str | None:
    """The header that says who asks, of what the address or the environment holds."""
    user = user or os.environ.get("MLFLOW_TRACKING_USERNAME", "")
    password = password or os.environ.get("MLFLOW_TRACKING_PASSWORD", "")
    if user and password:
        return f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"
    token = os.environ.get("MLFLOW_TRACKING_TOKEN")
    return f"Bearer {token}" if token else None


def _tls() -> ssl.SSLContext:
    """Whom to trust: what the machine trusts, unless MLflow's variables say otherwise."""
    trusted = os.environ.get("MLFLOW_TRACKING_SERVER_CERT_PATH")
    context = ssl.create_default_context(cafile=trusted or None)
    if os.environ.get("MLFLOW_TRACKING_INSECURE_TLS", "").lower() in ("true", "1"):
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def _words(error: object) -> str:
    return _shortened(str(error) or type(error).__name__)


def _shortened(text: str) -> str:
    line = one_line(without_credentials(text).strip())
    return line if len(line) <= 200 else f"{line[:197]}..."
