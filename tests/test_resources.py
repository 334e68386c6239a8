"""Files beside the code are found in a checkout and in an installed wheel."""

from pathlib import Path

import pytest

from ryu_alg import resources


def test_checkout() -> None:
    found = resources.resource("topologies", "nat.yaml")
    assert found == Path(__file__).parents[1] / "openvswitch/topologies/nat.yaml"


def test_wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = tmp_path / "ryu_alg" / "data"
    (data / "flows").mkdir(parents=True)
    (data / "flows" / "a.flows").touch()
    # A neighbour of the installed package that is somebody else's.
    (tmp_path / "flows").mkdir()
    (tmp_path / "flows" / "a.flows").touch()
    monkeypatch.setattr(resources, "_CHECKOUT", tmp_path)
    monkeypatch.setattr(resources, "_INSTALLED", data)
    assert resources.resource("flows", "a.flows") == data / "flows" / "a.flows"


def test_missing_file_is_named() -> None:
    with pytest.raises(FileNotFoundError, match=r"topologies file .*/nowhere\.yaml"):
        resources.resource("topologies", "nowhere.yaml")
