"""What is remembered of a session."""

from __future__ import annotations

import pytest

from ryu_alg.inspection import Abort, Close, Direction, Opaque, Replace, Report
from ryu_alg.protocols.ftp.decisions import Decisions
from ryu_alg.protocols.ftp.dialogue import Dialogue, Pending, Phase
from ryu_alg.protocols.ftp.verbs import Role


def decisions() -> Decisions:
    return Decisions(Direction.TO_CLIENT)


def dialogue(*pending: Pending) -> Dialogue:
    new = Dialogue()
    new.pending.clear()
    new.pending.extend(pending)
    return new


def test_a_session_begins_with_a_greeting() -> None:
    head = Dialogue().head
    assert head is not None
    assert head.role is Role.GREETING
    assert not Dialogue().holding


@pytest.mark.parametrize("role", Role)
def test_what_is_held_behind(role: Role) -> None:
    holds = {
        *(Role.ACTIVE, Role.PASSIVE, Role.EXTENDED_PASSIVE, Role.EXTENDED_ONLY),
        *(Role.SECURITY, Role.USER, Role.REINITIALIZE),
    }
    assert dialogue(Pending(role, "")).holding is (role in holds)
    assert dialogue(Pending(role, "")).holding_for_good is (role is Role.SECURITY)
    assert not dialogue(Pending(role, "", answer=b"550 no\r\n")).holding


def test_how_many_commands_may_be_pending() -> None:
    plain = [Pending(Role.PLAIN, "NOOP") for _ in range(300)]
    assert not dialogue(*plain[:7]).holding
    assert dialogue(*plain[:8]).holding
    transfer = Pending(Role.TRANSFER, "RETR", transferring=True)
    assert not dialogue(transfer, *plain[:254]).holding
    assert dialogue(transfer, *plain[:255]).holding
    assert not dialogue(*plain[:255]).holding_for_good
    assert dialogue(*plain[:256]).holding_for_good
    assert not dialogue().holding_for_good


def test_a_new_announcement_replaces_the_old() -> None:
    state, first, second, none = dialogue(), decisions(), decisions(), decisions()
    state.announce(1, first)
    state.announce(2, second)
    assert first.effects == []
    assert second.effects == [Close(1)]
    state.announced = None
    state.withdraw(none)
    assert none.effects == []


def test_withdraw_all() -> None:
    state, effects = dialogue(Pending(Role.ACTIVE, "", 5), Pending(Role.PLAIN, "")), decisions()
    state.announced = 4
    state.withdraw_all(effects)
    state.withdraw_all(effects)
    assert effects.effects == [Close(4), Close(5)]


def test_answers_wait_for_their_turn() -> None:
    denied = Pending(Role.TRANSFER, "", answer=b"550 no\r\n")
    waiting, effects = dialogue(Pending(Role.PLAIN, "NOOP"), denied), decisions()
    waiting.answer_head(effects)
    assert effects.effects == []
    waiting.pending.pop(0)
    waiting.inner = 220
    waiting.answer_head(effects)
    assert effects.effects == []
    waiting.inner, waiting.announced = None, 3
    waiting.answer_head(effects)
    assert effects.effects == [Close(3), Replace(0, b"550 no\r\n")]


def test_whoever_may_be_the_user() -> None:
    state = dialogue(
        Pending(Role.USER, "", user="bob"),
        Pending(Role.USER, "", user="root", answer=b"550 no\r\n"),
        Pending(Role.PLAIN, ""),
        Pending(Role.REINITIALIZE, ""),
    )
    state.user = "alice"
    assert state.possible_users == ["alice", "bob", None]


def test_what_is_settled() -> None:
    assert not Dialogue().settled
    assert dialogue().settled
    assert dialogue(Pending(Role.ABORT, "")).settled
    assert not dialogue(Pending(Role.ABORT, ""), Pending(Role.PLAIN, "")).settled


def test_ends() -> None:
    aborted, opaque, effects = dialogue(), dialogue(), decisions()
    aborted.abort("ftp.not_ftp", "why", effects)
    assert effects.effects == [Report("ftp.not_ftp", "why"), Abort("why")]
    assert aborted.phase is Phase.ABORTED
    effects = decisions()
    opaque.turn_opaque(effects)
    assert effects.effects[-1] == Opaque()
    assert opaque.phase is Phase.OPAQUE
