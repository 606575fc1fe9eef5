"""What a board answers over the network, and what it refuses."""

from __future__ import annotations

import json
import os
import shutil
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import quote, urlencode

import pytest

from board.boards import Reply, Served, serving
from board.large_folders import make_sweep
from isolet_nn.board import answers
from isolet_nn.board import serving as board_serving
from isolet_nn.board.index import RunsIndex
from isolet_nn.board.serving import open_board
from isolet_nn.board.table import Query, SettingsInUse, varying_settings
from isolet_nn.errors import BackendUnavailableError, ConfigError, RunError
from isolet_nn.pages.assets import plotly_script

OF_LOOPBACK = ("/", "/documents/table", "/assets/board/board.js")


def names(reply: Reply) -> list[str]:
    assert reply.status == 200, reply.content
    return [row["key"] for row in reply.document["rows"]]


def table(served: Served, **query: str) -> Reply:
    return served.ask(f"/documents/table?{urlencode(query)}")


# --- what is answered


def test_every_page_is_the_one_page_and_what_it_loads_is_there(served: Served) -> None:
    for path in ("/", "/run?of=x", "/sweep", "/search", "/comparison"):
        reply = served.ask(path)
        assert (reply.status, reply.headers["content-type"]) == (200, "text/html; charset=utf-8")
        assert b"/assets/board/board.js" in reply.content
    plotly = served.ask("/assets/plotly.min.js")
    assert plotly.content == plotly_script().read_bytes()
    script = served.ask("/assets/pages/views.js")
    assert (script.status, script.headers["content-type"]) == (
        200,
        "text/javascript; charset=utf-8",
    )
    tag = script.headers["etag"]
    assert served.ask("/assets/pages/views.js", if_none_match=tag).status == 304
    assert served.ask("/assets/pages/other.js").status == 404


def test_the_table_takes_the_words_of_the_list(served: Served, trained: Path) -> None:
    newest_first = [run.name for run in sorted(trained.iterdir(), reverse=True)]
    assert names(table(served)) == newest_first
    low = table(served, filter="optimizer.learning_rate<0.005", sort="test_accuracy")
    assert names(low) == newest_first[:1]
    assert names(table(served, search="many nothing")) == []
    assert names(table(served, sort="seed"))[0] == newest_first[1]
    assert names(table(served, search="nothing", sort="seed", filter="seed=0")) == []
    assert sorted(names(table(served, filter="age<1h", sort="age"))) == sorted(newest_first)
    columns = table(served, columns="seed,test_loss").document
    assert [column["name"] for column in columns["columns"]] == ["seed", "test_loss"]
    groups = table(served, group="settings").document
    assert [row["runs"] for row in groups["rows"]] == [1, 2]
    assert {*groups["rows"][1]["members"]} == {*newest_first[1:]}


def test_settings_that_differ_have_columns(served: Served) -> None:
    document = table(served).document
    assert document["varying"] == ["seed", "optimizer.learning_rate"]
    assert {"seed", "optimizer.learning_rate"} <= {c["name"] for c in document["columns"]}


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("filter=nonsense", "expected for instance status=completed"),
        ("filter=statsu=running", "no column 'statsu'"),
        ("sort=test_acuracy", "did you mean test_accuracy?"),
        ("columns=sed", "did you mean seed?"),
        ("page=first", "page: found 'first'"),
        ("search=" + 9000 * "x", "the address is too long"),
    ],
)
def test_a_query_that_is_wrong_is_refused_with_what_is_allowed(
    served: Served, query: str, said: str
) -> None:
    reply = served.ask(f"/documents/table?{query}")
    assert reply.status == 400
    assert said in reply.document["error"]


def test_a_document_is_sent_again_only_when_it_has_changed(
    trained: Path, tmp_path: Path, looks_at_once: None
) -> None:
    runs = shutil.copytree(trained, tmp_path / "runs")
    name = next(runs.iterdir()).name
    with serving(runs) as served:
        for target in ("/documents/table", f"/documents/run?of={name}"):
            first = served.ask(target)
            assert served.ask(target, if_none_match=first.headers["etag"]).status == 304
            (runs / name / "labels.json").write_text(
                json.dumps({"format": 1, "tags": [target[-5:]], "note": None})
            )
            second = served.ask(target, if_none_match=first.headers["etag"])
            assert second.status == 200
            assert target[-5:].encode() in second.content
            assert 2.0 <= float(second.headers["poll-after"]) <= 30.0


def test_the_first_page_comes_before_all_is_read_but_what_is_sorted_is_whole(
    trained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answers, "_FIRST_LOOK", 0.0)
    newest_first = [run.name for run in sorted(trained.iterdir(), reverse=True)]
    asked = answers.Answers(RunsIndex(trained))
    first = asked.table(Query())
    document = json.loads(first.content)
    assert [row["key"] for row in document["rows"]] == newest_first[:1]
    assert (document["unread"], first.poll_after) == (2, 0.0)
    second = asked.table(Query())
    document = json.loads(second.content)
    assert [row["key"] for row in document["rows"]][:2] == newest_first[:2]
    assert second.tag != first.tag
    for query in (Query(sort="seed"), Query(search="many"), Query(page=2)):
        document = json.loads(answers.Answers(RunsIndex(trained)).table(query).content)
        assert (document["found"], document["unread"]) == (3, 0)


def test_settings_that_differ_are_those_of_the_entries_asked_for(trained: Path) -> None:
    entries = [known.entry for known in RunsIndex(trained).known().known.values()]
    in_use = SettingsInUse()
    for some in (entries, entries[1:], entries[:1], entries, entries[:2], entries[::2], entries):
        everything, varying = in_use.of(some)
        assert varying == varying_settings(entry.settings or {} for entry in some)
        assert set(everything) == {key for entry in some for key in entry.settings or {}}


def test_runs_trials_and_sweeps_have_documents(tmp_path: Path, trained: Path) -> None:
    run = shutil.copytree(next(trained.iterdir()), tmp_path / "run")
    sweep = make_sweep(tmp_path, (2, 2), 1, ended=2)
    with serving(tmp_path) as served:
        of = quote(f"{sweep.path.name}/trials/1", safe="")
        for target, kind in (
            (f"run?of={run.name}", "run"),
            (f"run?of={of}", "run"),
            (f"sweep?of={sweep.path.name}", "sweep"),
            (f"search?of={sweep.path.name}", "search"),
            (f"comparison?of={run.name}&of={of}", "comparison"),
        ):
            reply = served.ask(f"/documents/{target}")
            assert (reply.status, reply.document["kind"]) == (200, kind)
    assert served.told == []


@pytest.mark.parametrize(
    ("target", "status"),
    [
        ("/documents/run?of=nothing", 404),
        ("/documents/run?of=..", 404),
        ("/documents/run?of=%2Fetc", 404),
        ("/documents/run?of=nothing%2Ftrials%2F0", 404),
        ("/documents/run?of=%00", 404),
        ("/documents/run", 400),
        ("/documents/secrets?of=x", 404),
        ("/documents/comparison?" + "&".join(f"of={n}" for n in range(60)), 400),
        ("/nowhere", 404),
    ],
)
def test_what_is_not_there_is_said(served: Served, target: str, status: int) -> None:
    reply = served.ask(target)
    assert reply.status == status
    assert b"Traceback" not in reply.content


# --- files


def test_a_file_of_a_run_is_downloaded_as_it_is(served: Served, trained: Path) -> None:
    run = next(trained.iterdir())
    for name in ("model.safetensors", "metrics.csv"):
        reply = served.ask(f"/files/{run.name}/{name}")
        assert reply.content == (run / name).read_bytes()
        assert reply.headers["content-type"] == "application/octet-stream"
        assert reply.headers["content-disposition"] == f"attachment; filename*=UTF-8''{name}"
        head = served.ask(f"/files/{run.name}/{name}", "HEAD")
        assert (head.status, head.content) == (200, b"")


OUT = [
    "../secret",
    "..%2Fsecret",
    "%2e%2e/secret",
    "%252e%252e/secret",
    "plots/../../secret",
    "plots/%2e%2e%2f%2e%2e%2fsecret",
    "..%5Csecret",
    "..\\secret",
    "C:%5Csecret",
    "C:/secret",
    "%5C%5Chost%5Cshare",
    "metrics.csv::$DATA",
    "CON",
    "%2Fetc/passwd",
    "/etc/passwd",
    "linked",
    "linked_folder/secret",
    "pipe",
    "plots",
    ".lock",
    "",
    ".",
    "metrics.csv%00.png",
    "metrics.csv%0d%0aX-Evil:1",
    "metrics.csv/",
]


@pytest.mark.skipif(sys.platform == "win32", reason="makes links and pipes")
def test_no_path_leads_out_of_the_runs_folder(trained: Path, tmp_path: Path) -> None:
    runs = tmp_path / "runs"
    runs.mkdir()
    run = shutil.copytree(next(trained.iterdir()), runs / "run")
    (run / "plots").mkdir(exist_ok=True)
    (tmp_path / "secret").write_text("TOP SECRET")
    (runs / "secret").write_text("TOP SECRET")
    (run / "plots" / "linked").symlink_to(tmp_path / "secret")
    (run / "plots" / "linked_folder").symlink_to(tmp_path)
    os.mkfifo(run / "pipe")
    (run / ".lock").touch()
    with serving(runs) as served:
        for path in [*OUT, "plots/linked", "plots/linked_folder/secret"]:
            for target in (f"/files/run/{path}", f"/files/{path}", f"/assets/board/{path}"):
                reply = served.ask(target)
                assert reply.status == 404, target
                assert b"SECRET" not in reply.content
                assert "x-evil" not in reply.headers
    assert served.told == []


@pytest.mark.skipif(sys.platform == "win32", reason="makes names that it does not have")
def test_each_file_that_is_listed_can_be_downloaded(trained: Path, tmp_path: Path) -> None:
    run = shutil.copytree(next(trained.iterdir()), tmp_path / "run")
    for name in (b"\xff.txt", b"a\nb.txt", b"q?x#y.txt", b'">.csv', "ü 1%41.txt".encode()):
        Path(os.fsdecode(bytes(run) + b"/" + name)).touch()
    with serving(tmp_path) as served:
        listed = [file["name"] for file in served.ask("/documents/run?of=run").document["files"]]
        assert "ü 1%41.txt" in listed
        assert not set("?\n\udcff>") & set("".join(listed))
        for name in listed:
            assert served.ask(f"/files/run/{quote(name)}").status == 200


@pytest.mark.skipif(sys.platform == "win32", reason="makes a link")
def test_no_trial_is_a_link_out_of_the_runs_folder(trained: Path, tmp_path: Path) -> None:
    sweep = make_sweep(tmp_path / "runs", (2, 2), 1, ended=4)
    (sweep.path / "trials").mkdir(exist_ok=True)
    (sweep.path / "trials" / "1").symlink_to(next(trained.iterdir()))
    with serving(tmp_path / "runs") as served:
        reply = served.ask(f"/documents/run?of={sweep.path.name}/trials/1")
        assert (reply.status, "leads out" in reply.document["error"]) == (404, True)
        assert served.ask(f"/documents/run?of={sweep.path.name}/trials/0").status == 200


@pytest.mark.skipif(sys.platform == "win32", reason="makes a link")
def test_no_model_is_read_through_a_link_out_of_the_runs_folder(tmp_path: Path) -> None:
    sweep = make_sweep(tmp_path / "runs", (2, 2), 1, ended=4)
    models = sweep.path / "models"
    models.mkdir(exist_ok=True)
    outside = tmp_path / "model.safetensors"
    outside.touch()
    (models / "trial-1.safetensors").symlink_to(outside)
    with serving(tmp_path / "runs") as served:
        reply = served.ask(f"/documents/run?of={sweep.path.name}/trials/1")
        assert (reply.status, "leads out" in reply.document["error"]) == (404, True)


@pytest.mark.skipif(sys.platform != "linux", reason="makes names that are not UTF-8")
def test_a_folder_whose_name_is_not_utf_8_is_reached_by_what_the_table_calls_it(
    trained: Path, tmp_path: Path
) -> None:
    run = next(trained.iterdir())
    names = [b"a\xff\xfe-run", "100% ü".encode(), b"%ff", b"100%25", b"%2e%2e"]
    for name in names:
        shutil.copytree(run, Path(os.fsdecode(bytes(tmp_path) + b"/" + name)))
    with serving(tmp_path) as served:
        rows = served.ask("/documents/table").document["rows"]
        assert len({row["key"] for row in rows}) == len(names)
        for row in rows:
            key = quote(row["key"], safe="")
            document = served.ask(f"/documents/run?of={key}").document
            assert document["status"] == "completed"
            assert served.ask(f"/files/{quote(document['path'])}/config.yaml").status == 200
        keys = "&".join(f"of={quote(row['key'], safe='')}" for row in rows[:2])
        assert len(served.ask(f"/documents/comparison?{keys}").document["runs"]) == 2
        for outside in ("%252e%252e", "%2e%2e", "%252e%252e%252f", "%2500", "%25fe"):
            assert served.ask(f"/documents/run?of={outside}").status == 404
            assert served.ask(f"/files/{outside}/config.yaml").status == 404
    assert served.told == []


def test_a_file_that_gets_its_name_meanwhile_is_no_error(
    served: Served, trained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Gone:
        name = ".summary.json.new"

        def stat(self, *, follow_symlinks: bool) -> os.stat_result:
            raise FileNotFoundError

    @contextmanager
    def scandir(_: Path) -> Iterator[list[Gone]]:
        yield [Gone()]

    name = next(trained.iterdir()).name
    monkeypatch.setattr("isolet_nn.board.answers.os", SimpleNamespace(scandir=scandir))
    assert served.ask(f"/documents/run?of={name}").status == 200


# --- who may ask


@pytest.mark.parametrize("path", OF_LOOPBACK)
@pytest.mark.parametrize(
    "method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "NONSENSE"]
)
def test_the_board_is_only_read(served: Served, path: str, method: str) -> None:
    reply = served.ask(path, method)
    assert (reply.status, reply.headers["allow"]) == (405, "GET, HEAD")


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8617",
        "localhost.evil.example",
        "localhost@evil.example",
        "evil.example@localhost",
        "127.0.0.1.evil.example",
        "192.168.0.7",
        "[::2]",
        "",
        "localhost:port",
        None,
    ],
)
def test_a_name_that_is_not_this_machines_is_refused(served: Served, host: str | None) -> None:
    for path in OF_LOOPBACK:
        assert served.ask(path, host=host).status in (400, 421)


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8617", "127.0.0.1:9000", "[::1]:8617"])
def test_this_machines_names_may_come_through_a_tunnel_of_another_port(
    served: Served, host: str
) -> None:
    assert served.ask("/documents/table", host=host).status == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "http://evil.example"},
        {"origin": "null"},
        {"origin": "http://localhost:1"},
        {"origin": "https://localhost"},
        {"sec_fetch_site": "cross-site", "sec_fetch_mode": "cors"},
        {"sec_fetch_site": "cross-site", "sec_fetch_mode": "no-cors", "sec_fetch_dest": "script"},
        {"sec_fetch_site": "cross-site", "sec_fetch_mode": "navigate", "sec_fetch_dest": "iframe"},
        {"sec_fetch_site": "same-site", "sec_fetch_mode": "no-cors"},
    ],
)
def test_another_sites_page_may_not_ask(served: Served, headers: dict[str, str]) -> None:
    for path in OF_LOOPBACK:
        assert served.ask(path, **headers).status == 403


def test_a_link_from_elsewhere_and_the_boards_own_page_may(served: Served) -> None:
    visit = {"sec_fetch_site": "cross-site", "sec_fetch_mode": "navigate"}
    assert served.ask("/", **visit, sec_fetch_dest="document").status == 200
    assert served.ask("/documents/table", origin=served.link).status == 200


def test_every_answer_tells_browsers_what_it_may_do(served: Served) -> None:
    for target in (*OF_LOOPBACK, "/nowhere", "/documents/run?of=no", "/assets/plotly.min.js"):
        for host in (served.link.partition("//")[2], "evil.example"):
            headers = served.ask(target, host=host).headers
            policy = headers["content-security-policy"]
            assert "default-src 'none'" in policy
            assert "frame-ancestors 'none'" in policy
            assert "unsafe" not in policy
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["referrer-policy"] == "no-referrer"
            assert headers["x-frame-options"] == "DENY"
            assert "server" not in headers


def test_a_token_opens_the_board_once_and_a_cookie_keeps_it(trained: Path) -> None:
    with serving(trained, with_token=True) as served:
        assert served.board.link.startswith("http://127.0.0.1:")  # not what else has the name
        token = served.board.link.rpartition("=")[2]
        assert len(token) >= 40
        for target in (*OF_LOOPBACK, "/?token=", "/?token=wrong", f"/?token={token}&token=x"):
            assert served.ask(target).status == 401
        opened = served.ask(f"/?token={token}&sort=seed")
        assert (opened.status, opened.headers["location"]) == (303, "/?sort=seed")
        cookie = opened.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=lax" in cookie
        kept = cookie.partition(";")[0]
        for target in OF_LOOPBACK:
            assert served.ask(target, cookie=kept).status == 200
            assert served.ask(target, cookie=kept[:-1]).status == 401
        assert served.ask("/", cookie=kept, host="evil.example").status == 421
        # A redirect never leads to another machine.
        away = served.ask(f"//evil.example/?token={token}").headers["location"]
        assert away == "/evil.example/"


def test_other_machines_need_a_token(trained: Path) -> None:
    with serving(trained, host="0.0.0.0") as served:
        assert not served.board.is_local
        assert served.ask("/documents/table", host="192.168.0.7:80").status == 401
        link = served.board.link
        assert link.startswith(f"http://{socket.gethostname()}:")
        token = link.rpartition("=")[2]
        assert served.ask(f"/?token={token}", host="192.168.0.7:80").status == 303
        assert served.ask(f"/?token={token}", host="evil.example").status == 421


def test_what_is_no_request_ends_no_board(served: Served) -> None:
    port = int(served.link.rpartition(":")[2])
    for said in (b"\x16\x03\x01" * 30, b"GET / HTTP/9.9\r\n\r\n", b"GET /" + b"a" * 100_000):
        with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
            connection.sendall(said)
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(4096):
                pass
    assert served.ask("/").status == 200


# --- the address


def test_what_cannot_be_opened_is_said_with_what_to_do(trained: Path, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="no such folder"):
        open_board(tmp_path / "nothing")
    with pytest.raises(RunError, match="is a run or a sweep itself"):
        open_board(next(trained.iterdir()))
    with pytest.raises(ConfigError, match="--host: found"):
        open_board(trained, host="no.such.host.invalid")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError, match=f"--port: {port} is taken.*--port 0"):
            open_board(trained, port=port)


def test_what_is_missing_is_said_with_how_to_install_it(
    trained: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(board_serving, "find_spec", lambda name: None)
    with pytest.raises(BackendUnavailableError, match=r"pip install 'isolet-nn\[board\]'"):
        open_board(trained)
