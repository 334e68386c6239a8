"""rest.api: lists, filters, pages, and what goes wrong, without a server."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
import webob
from hypothesis import given
from hypothesis import strategies as st

from ryu_alg.rest.api import Api
from ryu_alg.rest.auth import Guard
from ryu_alg.rest.listing import SEARCHED
from ryu_alg.rest.read_model import Refused
from tests.rest.model import Model, Wrong, at, binding, listening, session, status


def ask(model: Model, path: str, method: str = "GET", **headers: str) -> webob.Response:
    request = webob.Request.blank(path, method=method, headers=headers)
    return Api(model, Guard("127.0.0.1", None)).answer(request)


def read(model: Model, path: str) -> dict[str, Any]:
    response = ask(model, path)
    assert response.status_int == 200, response.body
    assert response.content_type == "application/json"
    body: dict[str, Any] = json.loads(response.body)
    return body


def problem(response: webob.Response, status: int) -> dict[str, Any]:
    assert response.status_int == status, response.body
    assert response.headers["Content-Type"] == "application/problem+json"
    body: dict[str, Any] = json.loads(response.body)
    assert body["status"] == status
    assert set(body) >= {"type", "title", "status", "detail", "instance"}
    assert "Traceback" not in response.text
    return body


def test_protocols() -> None:
    """What is bound where, and nothing else."""
    assert read(Model(), "/v1.0/alg/protocols") == {
        "protocols": [
            {
                "name": "ftp",
                "transports": ["tcp"],
                "from_inside": {
                    "networks": ["lan"],
                    "servers": ["198.51.100.0/24"],
                    "ports": [21, 2121],
                    "by_size": False,
                },
                "from_outside": [
                    {"transport": "tcp", "public": "203.0.113.1:21", "inside": "192.168.20.2:21"}
                ],
                "on_fault": "drop",
                "policy": {"auth": "allow"},
            }
        ]
    }
    problem(ask(Model(), "/v1.0/alg/protocols?limit=1"), 400)
    problem(ask(Model(), "/v1.0/alg/protocols", "DELETE"), 405)


def test_sessions() -> None:
    body = read(Model(), "/v1.0/alg/sessions")
    assert (body["total"], body["next"]) == (2, None)
    first, second = body["sessions"]
    assert (first["id"], second["id"]) == (1, 2)
    assert first.pop("since").endswith("Z")
    assert first == {
        "id": 1,
        "protocol": "ftp",
        "transport": "tcp",
        "state": "inspected",
        "client": "192.168.10.2:40001",
        "client_seen": "203.0.113.1:49153",
        "server": "198.51.100.2:21",
        "server_seen": "198.51.100.2:21",
        "user": "alice",
        "idle": 1.5,
        "to_server_bytes": 120,
        "to_client_bytes": 480,
        "to_server_shift": 3,
        "to_client_shift": -2,
        "pinholes": [10],
        "data_packets": 7,
        "data_bytes": 7000,
    }


def test_pinholes() -> None:
    [item] = read(Model(), "/v1.0/alg/pinholes")["pinholes"]
    del item["since"]
    assert item == {
        "id": 10,
        "session": 1,
        "protocol": "ftp",
        "state": "open",
        "transport": "tcp",
        "realm": "outside",
        "peers": ["198.51.100.2/32"],
        "seen": "203.0.113.1:33000",
        "listener": "192.168.10.2:50000",
        "remote": None,
        "binding": None,
        "expires_in": 28.0,
    }


def test_bindings() -> None:
    items = read(Model(), "/v1.0/alg/bindings")["bindings"]
    assert [item["public"] for item in items] == ["203.0.113.1:49153", "203.0.113.1:49154"]
    del items[0]["since"]
    assert items[0] == {
        "transport": "tcp",
        "inside": "192.168.10.2:40001",
        "public": "203.0.113.1:49153",
        "kind": "control",
        "session": 1,
        "listener": None,
    }


def test_events() -> None:
    items = read(Model(), "/v1.0/alg/events")["events"]
    assert items[0] == {
        "id": 1,
        "time": "2027-01-15T08:00:00.000000Z",
        "code": "ftp.port.foreign_address",
        "protocol": "ftp",
        "session": 1,
        "detail": "PORT 9,9,9,9",
    }
    assert [item["id"] for item in read(Model(), "/v1.0/alg/events?after=1")["events"]] == [2]


def test_status() -> None:
    body = read(Model(), "/v1.0/alg/status")
    assert body["datapath_id"] == "0000000000000a16"
    assert body["config"] == {"path": "/etc/ryu-alg.yaml", "sha256": "ab" * 32}
    assert body["pinholes"] == {"armed": 2, "open": 1}
    assert body["punts"] == {"ftp": 140, "icmp": 1}


def test_ipv6_endpoints_are_bracketed() -> None:
    model = Model(all_sessions=[replace(session(1), server=at("2001:db8::1", 21))])
    [item] = read(model, "/v1.0/alg/sessions?host=2001:db8::1")["sessions"]
    assert item["server"] == "[2001:db8::1]:21"


@pytest.mark.parametrize(
    ("path", "ids"),
    [
        ("/v1.0/alg/sessions?protocol=ftp", [1, 2]),
        ("/v1.0/alg/sessions?protocol=sip", [3]),
        ("/v1.0/alg/sessions?host=192.168.20.9", [3]),
        ("/v1.0/alg/sessions?host=203.0.113.1&protocol=ftp", [1, 2]),
        ("/v1.0/alg/sessions?host=10.0.0.1", []),
        ("/v1.0/alg/pinholes?host=198.51.100.2", [10]),
        ("/v1.0/alg/pinholes?host=192.168.10.2", [10]),
        ("/v1.0/alg/pinholes?host=2001:db8::1", []),
        ("/v1.0/alg/pinholes?session=2", []),
        ("/v1.0/alg/events?code=switch.connected", [2]),
        ("/v1.0/alg/events?session=1&protocol=ftp", [1]),
    ],
)
def test_filters(path: str, ids: list[int]) -> None:
    model = Model(all_sessions=[session(3, "192.168.20.9", "sip"), session(1), session(2)])
    kind = path.split("/")[3].split("?")[0]
    body = read(model, path)
    assert [item["id"] for item in body[kind]] == ids
    assert (body["total"], body["next"]) == (None, None)


def test_binding_filters() -> None:
    [item] = read(Model(), "/v1.0/alg/bindings?session=2&host=192.168.10.2")["bindings"]
    assert item["public"] == "203.0.113.1:49154"


@given(st.integers(1, 12), st.integers(0, 30))
def test_pages_cover_everything_once(limit: int, count: int) -> None:
    model = Model(
        all_sessions=[session(n) for n in range(count, 0, -1)],
        all_bindings=[binding(50000 - n, n) for n in range(count)],
    )
    for kind, key in (("sessions", "id"), ("bindings", "public")):
        seen = []
        path = f"/v1.0/alg/{kind}?limit={limit}&host=203.0.113.1"
        while path:
            body = read(model, path)
            assert len(body[kind]) <= limit
            assert body["total"] is None
            seen += [item[key] for item in body[kind]]
            path = body["next"]
        assert seen == sorted(seen)
        assert len(seen) == len(set(seen)) == count


def test_a_listening_port_is_listed_over_both_transports() -> None:
    model = Model(all_bindings=[*listening(40311, 7), binding(49153, 1)])
    first = read(model, "/v1.0/alg/bindings?limit=2&session=7")["bindings"]
    assert [(item["transport"], item["kind"]) for item in first] == [
        ("tcp", "listening"),
        ("udp", "listening"),
    ]
    pages = [read(model, "/v1.0/alg/bindings?limit=2")]
    pages.append(read(model, pages[0]["next"]))
    seen = [(item["transport"], item["public"]) for page in pages for item in page["bindings"]]
    assert len(seen) == len(set(seen)) == 3 and pages[1]["next"] is None


def test_a_page_is_bounded_by_default() -> None:
    body = read(Model(all_sessions=[session(n) for n in range(1, 1102)]), "/v1.0/alg/sessions")
    assert (len(body["sessions"]), body["total"]) == (1000, 1101)
    assert body["next"] == "/v1.0/alg/sessions?limit=1000&after=1000"


@pytest.mark.parametrize("count", [SEARCHED, SEARCHED + 1, 3 * SEARCHED])
def test_a_request_looks_at_a_bounded_number_and_the_next_goes_on(count: int) -> None:
    others = [session(n) for n in range(1, count)]
    model = Model(all_sessions=[*others, session(count, protocol="sip")])
    found, pages = [], 0
    path = "/v1.0/alg/sessions?protocol=sip"
    while path:
        body = read(model, path)
        found += [item["id"] for item in body["sessions"]]
        path, pages = body["next"], pages + 1
    assert (found, pages) == ([count], -(-count // SEARCHED))


def test_what_ends_between_pages_hides_nothing() -> None:
    model = Model(all_sessions=[session(n) for n in range(1, 7)])
    following = read(model, "/v1.0/alg/sessions?limit=3")["next"]
    model.all_sessions = [item for item in model.all_sessions if item.id not in (1, 3)]
    assert [item["id"] for item in read(model, following)["sessions"]] == [4, 5, 6]


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("limit=0", "limit"),
        ("limit=1001", "limit"),
        ("limit=1_0", "limit"),
        ("limit=%D9%A1", "limit"),
        ("limit=", "limit"),
        ("after=-1", "after"),
        ("after=" + "9" * 5000, "after"),
        ("host=example.org", "host"),
        ("limit=1&limit=2", "limit"),
        ("colour=red", "colour"),
        ("session=1", "session"),
        ("%ff=%ff", ""),
    ],
)
def test_bad_queries(query: str, names: str) -> None:
    body = problem(ask(Model(), f"/v1.0/alg/sessions?{query}"), 400)
    assert names in body["detail"]


def test_status_takes_no_parameters() -> None:
    problem(ask(Model(), "/v1.0/alg/status?limit=1"), 400)


def test_unknown_paths() -> None:
    for path in ("/", "/v1.0/alg", "/v1.0/alg/sessions/", "/v1.0/alg/secrets", "/x%FF%00"):
        body = problem(ask(Model(), path), 404)
        assert (body["type"], body["title"]) == ("about:blank", "Not Found")
        assert body["instance"] == path


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("POST", "/v1.0/alg/sessions", "GET, HEAD"),
        ("DELETE", "/metrics", "GET, HEAD"),
        ("BREW", "/v1.0/alg/status", "GET, HEAD"),
        ("GET", "/v1.0/alg/config", "POST"),
        ("HEAD", "/v1.0/alg/config", "POST"),
    ],
)
def test_wrong_methods(method: str, path: str, allow: str) -> None:
    response = ask(Model(), path, method)
    problem(response, 405)
    assert response.headers["Allow"] == allow


def test_head_has_no_body() -> None:
    request = webob.Request.blank("/v1.0/alg/status", method="HEAD")
    response = request.get_response(Api(Model(), Guard("127.0.0.1", None)).answer(request))
    assert (response.status_int, response.body) == (200, b"")


def test_an_exception_is_a_problem_without_its_text(caplog: pytest.LogCaptureFixture) -> None:
    class Broken(Model):
        def sessions(self, after: int = 0) -> Any:
            raise RuntimeError("secret inner state")

    response = ask(Broken(), "/v1.0/alg/sessions")
    problem(response, 500)
    assert b"secret" not in response.body
    assert "secret inner state" in caplog.text


def test_reload() -> None:
    model = Model()
    response = ask(model, "/v1.0/alg/config", "POST")
    assert response.status_int == 200
    assert json.loads(response.body) == {
        "path": "/etc/ryu-alg.yaml",
        "sha256": "cd" * 32,
        "changed": ["timers"],
    }
    assert model.reloads == 1


def test_a_refused_reload_lists_every_mistake() -> None:
    wrong = Wrong("/etc/ryu-alg.yaml", 12, "timers.data_idle", "-5 is negative", "e.g. 5m")
    body = problem(ask(Model(outcome=Refused([wrong, wrong])), "/v1.0/alg/config", "POST"), 422)
    assert body["type"] == "urn:ryu-alg:problem:configuration-refused"
    assert body["detail"].startswith("2 mistakes")
    assert body["errors"][0] == {
        "file": "/etc/ryu-alg.yaml",
        "line": 12,
        "key": "timers.data_idle",
        "wrong": "-5 is negative",
        "right": "e.g. 5m",
    }


def test_reload_takes_no_body() -> None:
    model = Model()
    request = webob.Request.blank("/v1.0/alg/config", method="POST", body=b"gateway: {}")
    problem(Api(model, Guard("127.0.0.1", None)).answer(request), 400)
    assert model.reloads == 0


def test_answers_are_not_cached() -> None:
    for path in ("/v1.0/alg/status", "/nowhere"):
        assert ask(Model(), path).headers["Cache-Control"] == "no-store"


@given(st.text(max_size=30), st.binary(max_size=30))
def test_no_request_raises(path: str, query: bytes) -> None:
    request = webob.Request.blank("/")
    request.environ["PATH_INFO"] = "/v1.0/alg/" + path.encode().decode("latin-1")
    request.environ["QUERY_STRING"] = query.decode("latin-1")
    api = Api(Model(now=status()), Guard("127.0.0.1", None))
    assert api.answer(request).status_int in (200, 400, 404)
    request.environ["PATH_INFO"] = "/v1.0/alg/sessions"
    assert api.answer(request).status_int in (200, 400)


def test_a_session_can_be_ended() -> None:
    model = Model()
    response = ask(model, "/v1.0/alg/sessions/2", "DELETE")
    assert (response.status_int, response.body) == (204, b"")
    assert [view.id for view in model.all_sessions] == [1]
    assert problem(ask(model, "/v1.0/alg/sessions/2", "DELETE"), 404)["detail"]


@pytest.mark.parametrize("path", ["/sessions/", "/sessions/x", "/sessions/-1", "/sessions/1/2"])
def test_what_is_no_session(path: str) -> None:
    model = Model()
    problem(ask(model, f"/v1.0/alg{path}", "DELETE"), 404)
    assert len(model.all_sessions) == 2


def test_a_session_is_not_read_by_itself() -> None:
    response = ask(Model(), "/v1.0/alg/sessions/1")
    problem(response, 405)
    assert response.headers["Allow"] == "DELETE"
