"""The table of verbs, and the documentation that is made from it."""

from __future__ import annotations

import re
from pathlib import Path

from ryu_alg.protocols.ftp import verbs
from ryu_alg.protocols.ftp.commands import Malformed
from ryu_alg.protocols.ftp.options import FtpOptions, Rule
from ryu_alg.protocols.ftp.verbs import VERBS, Handling, Role, markdown_table

DOCUMENT = Path(__file__).parents[3] / "docs" / "ftp.md"
BEGIN = "<!-- verbs: begin, made by `python -m ryu_alg.protocols.ftp.verbs` -->\n"
END = "<!-- verbs: end -->"


def test_names_are_in_order_and_once() -> None:
    assert list(VERBS) == sorted(VERBS)
    assert "| ABOR |" in markdown_table()
    assert markdown_table().count("\n") == len(VERBS) + 2


def test_the_commands_of_rfc_959_are_there() -> None:
    commands = (
        "USER PASS ACCT CWD CDUP SMNT QUIT REIN PORT PASV TYPE STRU MODE RETR STOR STOU APPE "
        "ALLO REST RNFR RNTO ABOR DELE RMD MKD PWD LIST NLST SITE SYST STAT HELP NOOP"
    )
    assert set(commands.split()) <= set(VERBS)


def test_other_names_mean_the_same() -> None:
    for verb in VERBS.values():
        if verb.same_as:
            original = VERBS[verb.same_as]
            assert (verb.role, verb.writes, verb.argument) == (
                original.role,
                original.writes,
                original.argument,
            )


def test_what_writes_is_what_read_only_denies() -> None:
    writing = {verb.name for verb in VERBS.values() if verb.writes}
    assert writing >= {
        *("STOR", "STOU", "APPE", "DELE", "RMD", "XRMD", "MKD", "XMKD", "RNFR", "RNTO"),
        *("SITE", "MFMT"),
    }
    assert not writing & {"RETR", "LIST", "NLST", "MLSD", "MLST", "CWD", "PWD", "SIZE", "STAT"}


def test_handling() -> None:
    assert VERBS["PORT"].handling is Handling.REWRITE
    assert VERBS["EPSV"].handling is Handling.REPLY_REWRITTEN
    assert VERBS["LPRT"].handling is Handling.REFUSE
    assert VERBS["AUTH"].handling is Handling.OPTION
    assert VERBS["NOOP"].handling is Handling.PASS
    assert VERBS["RETR"].role is Role.TRANSFER
    assert VERBS["RETR"].data


def test_the_documented_table_is_current() -> None:
    text = DOCUMENT.read_text()
    table = text[text.index(BEGIN) + len(BEGIN) : text.index(END)]
    assert table == markdown_table(), "run: python -m ryu_alg.protocols.ftp.verbs"


def test_every_option_is_documented() -> None:
    text = DOCUMENT.read_text()
    for name in (*FtpOptions.model_fields, *Rule.model_fields):
        assert f"`{name}`" in text, name


def test_every_event_is_documented() -> None:
    text = DOCUMENT.read_text()
    source = Path(verbs.__file__).parent
    codes = {f"ftp.line.{why.value}" for why in Malformed}
    for path in source.glob("*.py"):
        codes |= set(re.findall(r'"(ftp(?:\.[a-z_]+)+)"', path.read_text()))
    for reason in ("syntax", "foreign_address", "privileged", "family", "refused"):
        assert f'"{reason}"' in (source / "negotiation.py").read_text()
        codes |= {f"ftp.port.{reason}", f"ftp.pasv.{reason}"}
    assert len(codes) > 20
    for code in codes:
        assert f"`{code}`" in text, code
