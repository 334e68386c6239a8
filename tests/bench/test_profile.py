"""What becomes of samples of a stack."""

from tests.bench import profile


def test_own_time_and_time_on_the_stack() -> None:
    samples = "main (/x/app.py:1);inner (/x/app.py:5) 30\nmain (/x/app.py:1) 10\n"
    assert profile.table(samples).splitlines() == [
        "40 samples",
        "   own  package",
        "100.0%  Python's own library",
        "   own  total  function",
        " 75.0%  75.0%  /x/app.py:5: inner",
        " 25.0% 100.0%  /x/app.py:1: main",
    ]


def test_a_function_that_calls_itself_counts_once() -> None:
    assert "100.0% 100.0%  a.py:1: f" in profile.table("f (a.py:1);f (a.py:1) 3\n")


def test_files_are_named_from_the_package_on() -> None:
    root = profile.__file__.removesuffix("/tests/bench/profile.py")
    samples = (
        f"f ({root}/ryu_alg/app.py:7) 2\n"
        f"g ({root}/.venv/lib/python3.11/site-packages/eventlet/queue.py:1) 1\n"
        "h (/usr/lib/python3.11/ipaddress.py:9) 1\n"
    )
    names = [line.split("%")[-1].strip() for line in profile.table(samples).splitlines()[1:]]
    assert names[:4] == ["own  package", "ryu_alg/app.py", "eventlet", "Python's own library"]
    assert names[5:] == ["ryu_alg/app.py:7: f", "eventlet/queue.py:1: g", "ipaddress.py:9: h"]


def test_no_more_than_the_most_frequent() -> None:
    samples = "".join(f"f{number} (a.py:{number}) {number}\n" for number in range(1, 100))
    lines = profile.table(samples).splitlines()
    assert len(lines) == 4 + profile.ENTRIES
    assert lines[4].endswith("a.py:99: f99")


def test_without_samples_there_is_nothing_to_tell() -> None:
    assert profile.table("").startswith("0 samples")
