"""rest.auth: a token where the endpoint is open to others, only this machine where it is not."""

from __future__ import annotations

import hmac
from pathlib import Path

import pytest
import webob

from ryu_alg.rest.auth import Guard, TokenError
from ryu_alg.rest.problems import ProblemError

TOKEN = "k3ep-this-t0ken-secret"


@pytest.fixture
def token_file(tmp_path: Path) -> Path:
    path = tmp_path / "token"
    path.write_text(TOKEN + "\nmade for the monitoring host\n")
    return path


def refusal(guard: Guard, headers: dict[str, str]) -> ProblemError | None:
    try:
        guard.check(webob.Request.blank("/metrics", headers=headers))
    except ProblemError as problem:
        return problem
    return None


@pytest.mark.parametrize("bind", ["0.0.0.0", "::", "192.0.2.1", "gateway.example", ""])
def test_elsewhere_needs_a_token(bind: str) -> None:
    with pytest.raises(TokenError, match=r"rest\.token_file is required"):
        Guard(bind, None)


@pytest.mark.parametrize("bind", ["127.0.0.1", "127.8.9.1", "::1", "localhost"])
def test_loopback_needs_none(bind: str) -> None:
    assert refusal(Guard(bind, None), {}) is None


@pytest.mark.parametrize("content", [b"", b"short", b"two words that are long", b"\xff" * 20])
def test_unusable_token_files(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "token"
    path.write_bytes(content)
    with pytest.raises(TokenError, match="one word"):
        Guard("127.0.0.1", path)


def test_a_missing_token_file(tmp_path: Path) -> None:
    with pytest.raises(TokenError, match="No such file"):
        Guard("127.0.0.1", tmp_path / "nothing")


@pytest.mark.parametrize("value", [f"Bearer {TOKEN}", f"bearer  {TOKEN} "])
def test_the_right_token(token_file: Path, value: str) -> None:
    guard = Guard("0.0.0.0", token_file)
    assert refusal(guard, {"Authorization": value, "Host": "gateway.example"}) is None


@pytest.mark.parametrize(
    "value", ["Bearer", "Bearer ", f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}", "Bearer \xff\xfe"]
)
def test_a_wrong_token(token_file: Path, value: str) -> None:
    problem = refusal(Guard("0.0.0.0", token_file), {"Authorization": value})
    assert problem is not None
    assert problem.status == 401
    assert problem.headers["WWW-Authenticate"].endswith('error="invalid_token"')


@pytest.mark.parametrize("value", [TOKEN, f"{TOKEN}x", "k", "\xff", ""])
def test_tokens_are_compared_in_constant_time(
    token_file: Path, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared: list[tuple[bytes, bytes]] = []

    def compare(a: bytes, b: bytes) -> bool:
        compared.append((a, b))
        return digest(a, b)

    digest = hmac.compare_digest
    monkeypatch.setattr(hmac, "compare_digest", compare)
    problem = refusal(Guard("127.0.0.1", token_file), {"Authorization": f"Bearer {value}"})
    assert (problem is None) is (value == TOKEN)
    assert compared == [(value.encode("latin-1"), TOKEN.encode())]


def test_no_problem_tells_the_token(token_file: Path) -> None:
    problem = refusal(Guard("127.0.0.1", token_file), {"Authorization": "Bearer guess"})
    assert problem is not None
    answer = problem.response(webob.Request.blank("/metrics"))
    assert TOKEN.encode() not in answer.body
    assert b"guess" not in answer.body
    token_file.write_text(f"{TOKEN} {TOKEN}\n")
    with pytest.raises(TokenError) as caught:
        Guard("127.0.0.1", token_file)
    assert TOKEN not in str(caught.value)


@pytest.mark.parametrize("headers", [{}, {"Authorization": f"Basic {TOKEN}"}])
def test_no_token(token_file: Path, headers: dict[str, str]) -> None:
    problem = refusal(Guard("127.0.0.1", token_file), headers)
    assert problem is not None
    assert problem.status == 401
    assert problem.headers["WWW-Authenticate"] == 'Bearer realm="ryu_alg"'


@pytest.mark.parametrize("host", ["localhost:8080", "127.0.0.1:8080", "[::1]:8080", "localhost"])
def test_local_names(host: str) -> None:
    guard = Guard("127.0.0.1", None)
    assert refusal(guard, {"Host": host}) is None
    assert refusal(guard, {"Host": host, "Origin": f"http://{host}"}) is None


@pytest.mark.parametrize("host", ["attacker.example", "127.0.0.1.attacker.example", "[::1", ""])
def test_names_rebound_to_this_machine(host: str) -> None:
    problem = refusal(Guard("127.0.0.1", None), {"Host": host})
    assert problem is not None
    assert problem.status == 421


@pytest.mark.parametrize("origin", ["https://attacker.example", "null"])
def test_pages_from_elsewhere(origin: str) -> None:
    problem = refusal(Guard("127.0.0.1", None), {"Host": "localhost", "Origin": origin})
    assert problem is not None
    assert problem.status == 403


@pytest.mark.parametrize(
    ("site", "allowed"), [("cross-site", False), ("Cross-Site", False), ("none", True)]
)
def test_what_browsers_say_of_pages(site: str, *, allowed: bool) -> None:
    """Fetch Metadata: an image or a link of a page from elsewhere has no origin."""
    problem = refusal(Guard("127.0.0.1", None), {"Host": "localhost", "Sec-Fetch-Site": site})
    assert (problem is None) is allowed
    assert problem is None or problem.status == 403


def test_other_machines() -> None:
    request = webob.Request.blank("/", environ={"REMOTE_ADDR": "192.0.2.9"})
    with pytest.raises(ProblemError) as caught:
        Guard("127.0.0.1", None).check(request)
    assert caught.value.status == 403
    request.environ["REMOTE_ADDR"] = "127.0.0.1"
    Guard("127.0.0.1", None).check(request)
