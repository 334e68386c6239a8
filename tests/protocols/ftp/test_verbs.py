"""The table of verbs."""

from __future__ import annotations

from ryu_alg.protocols.ftp.verbs import VERBS, Handling, Role


def test_names_are_in_order_and_once() -> None:
    assert list(VERBS) == sorted(VERBS)


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
