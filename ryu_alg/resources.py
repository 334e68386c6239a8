"""Where the files that ship beside the code are found: topologies, flows, configurations.

In a source checkout they stand in folders next to the package, where a reader looks for
them. An installed wheel has no such neighbours, so it carries the same folders in
`ryu_alg/data/`.
"""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent
_CHECKOUT = _PACKAGE.parent
_INSTALLED = _PACKAGE / "data"

# kind -> folder, in the checkout and in the wheel's data.
KINDS = {
    "config": "config",
    "flows": "flows",
    "topologies": "openvswitch/topologies",
}


def folder(kind: str) -> Path:
    """The folder that holds the files of `kind`; KeyError for an unknown kind."""
    # Only a checkout has pyproject.toml there: in site-packages, a `config` folder beside
    # this package would be somebody else's.
    root = _CHECKOUT if (_CHECKOUT / "pyproject.toml").is_file() else _INSTALLED
    return root / KINDS[kind]


def resource(kind: str, name: str) -> Path:
    """The file `name` of `kind`, for example `resource("topologies", "nat.yaml")`.

    Raises FileNotFoundError, naming the path that was looked at.
    """
    path = folder(kind) / name
    if not path.is_file():
        raise FileNotFoundError(f"no {kind} file {path}")
    return path
