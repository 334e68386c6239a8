r"""Conversations as playbooks (see `tests.protocols.playbook`).

The client is amy at 192.168.10.2 (3232238082 as a number), seen as 203.0.113.1 (3405803777); the
first port that is announced in place of hers is 32769.
"""

# ruff: noqa: E501 - a line here is a line of IRC

from __future__ import annotations

from dataclasses import dataclass

from ryu_alg.inspection import Conversation
from ryu_alg.protocols.irc import IrcOptions
from tests.protocols.gateway import BEHIND_NAT, IPV6, PUBLISHED, endpoint
from tests.protocols.irc.session import IrcGateway, Session, options

WELCOME = r"""
>= CAP LS 302
>= NICK amy
>= USER amy 0 * :Amy
<= :irc.example.net NOTICE * :*** Looking up your hostname
<= :irc.example.net CAP * LS :message-tags
>= CAP END
<= :irc.example.net 001 amy :Welcome to the network amy!amy@203.0.113.1
"""


@dataclass(frozen=True)
class Dialogue:
    """One of them, and what it is with."""

    name: str
    text: str
    options: IrcOptions = IrcOptions()
    conversation: Conversation = BEHIND_NAT
    others: tuple[tuple[str, int, str, int], ...] = ()
    """What other public endpoints stand for."""
    welcome: str = WELCOME

    @property
    def script(self) -> str:
        return self.welcome + self.text

    def session(self) -> Session:
        others = {
            endpoint(public, port): endpoint(inside, inside_port)
            for public, port, inside, inside_port in self.others
        }
        gateway = IrcGateway(self.conversation, others=others)
        return Session(self.options, self.conversation, gateway)


DIALOGUES = [
    Dialogue(
        "send",
        r"""
        >> PRIVMSG bob :\x01DCC SEND cat.jpg 3232238082 5000 1234\x01
        -> PRIVMSG bob :\x01DCC SEND cat.jpg 3405803777 32769 1234\x01
        !! open 1, irc.rewritten, irc.rewritten
        """,
    ),
    Dialogue(
        "chat",
        r"""
        >> PRIVMSG bob :\x01DCC CHAT chat 3232238082 5000\x01
        -> PRIVMSG bob :\x01DCC CHAT chat 3405803777 32769\x01
        !! open 1, irc.rewritten, irc.rewritten
        """,
    ),
    Dialogue(
        "already public",
        r"""
        >> PRIVMSG bob :\x01DCC SEND cat.jpg 3405803777 5000 1234\x01
        -> PRIVMSG bob :\x01DCC SEND cat.jpg 3405803777 32769 1234\x01
        !! open 1, irc.rewritten
        """,
    ),
    Dialogue(
        "written otherwise",
        r"""
        >> @label=a;+b=:c PRIVMSG bob,#cats :look: \x01dcc  sEnd "a \"b c.txt" 192.168.10.2 5000\x01!
        -> @label=a;+b=:c PRIVMSG bob,#cats :look: \x01dcc  sEnd "a \"b c.txt" 203.0.113.1 32769\x01!
        !! open 1, irc.rewritten, irc.rewritten
        >> :amy PRIVMSG bob :\x01DCC SCHAT chat 3232238082 5001
        -> :amy PRIVMSG bob :\x01DCC SCHAT chat 3405803777 32770
        !! open 2, irc.rewritten, irc.rewritten
        >> PRIVMSG bob :\x01DCC TSEND my old file.txt 3232238082 5002 10\x01
        -> PRIVMSG bob :\x01DCC TSEND my old file.txt 3405803777 32771 10\x01
        !! open 3, irc.rewritten, irc.rewritten
        """,
    ),
    Dialogue(
        "bare line feeds",
        r"""
        >> PRIVMSG bob :\x01DCC CHAT chat 3232238082 5000\x01\n\c
        -> PRIVMSG bob :\x01DCC CHAT chat 3405803777 32769\x01\n\c
        !! open 1, irc.rewritten, irc.rewritten
        """,
    ),
    Dialogue(
        "several in a message",
        r"""
        >> PRIVMSG bob :\x01DCC SEND a 3232238082 5000 1\x01 and \x01PING 1\x01\x01DCC SEND b 3232238082 5001 2\x01
        -> PRIVMSG bob :\x01DCC SEND a 3405803777 32769 1\x01 and \x01PING 1\x01\x01DCC SEND b 3405803777 32770 2\x01
        !! open 1, open 2, irc.rewritten, irc.rewritten, irc.rewritten, irc.rewritten
        """,
    ),
    Dialogue(
        "resume of what the client sends",
        r"""
        >> PRIVMSG bob :\x01DCC SEND cat.jpg 3232238082 5000 1234\x01
        -> PRIVMSG bob :\x01DCC SEND cat.jpg 3405803777 32769 1234\x01
        !! open 1, irc.rewritten, irc.rewritten
        << :bob!b@198.51.100.20 PRIVMSG amy :\x01DCC RESUME file.ext 32769 600\x01
        <- :bob!b@198.51.100.20 PRIVMSG amy :\x01DCC RESUME file.ext 5000 600\x01
        !! irc.rewritten
        >> PRIVMSG bob :\x01DCC ACCEPT file.ext 5000 600\x01
        -> PRIVMSG bob :\x01DCC ACCEPT file.ext 32769 600\x01
        !! irc.rewritten
        <= :bob!b@198.51.100.20 PRIVMSG amy :\x01DCC RESUME file.ext 32770 600\x01
        >= PRIVMSG bob :\x01DCC ACCEPT file.ext 5001 600\x01
        """,
    ),
    Dialogue(
        "resume of what the client receives",
        r"""
        <= :bob!b@198.51.100.20 PRIVMSG amy :\x01DCC SEND cat.jpg 3325256724 5000 1234\x01
        >= PRIVMSG bob :\x01DCC RESUME cat.jpg 5000 600\x01
        <= :bob!b@198.51.100.20 PRIVMSG amy :\x01DCC ACCEPT cat.jpg 5000 600\x01
        """,
    ),
    Dialogue(
        "the port of one offer and the public port of another",
        r"""
        >> PRIVMSG bob :\x01DCC SEND a 3232238082 32770 1\x01
        -> PRIVMSG bob :\x01DCC SEND a 3405803777 32769 1\x01
        !! open 1, irc.rewritten, irc.rewritten
        >> PRIVMSG eve :\x01DCC SEND b 3232238082 32769 1\x01
        -> PRIVMSG eve :\x01DCC SEND b 3405803777 32770 1\x01
        !! open 2, irc.rewritten, irc.rewritten
        << :bob!b@h PRIVMSG amy :\x01DCC RESUME a 32769 6\x01
        <- :bob!b@h PRIVMSG amy :\x01DCC RESUME a 32770 6\x01
        !! irc.rewritten
        >> PRIVMSG bob :\x01DCC ACCEPT a 32770 6\x01
        -> PRIVMSG bob :\x01DCC ACCEPT a 32769 6\x01
        !! irc.rewritten
        >= PRIVMSG bob :\x01DCC RESUME c 32769 6\x01
        <= :bob!b@h PRIVMSG amy :\x01DCC ACCEPT c 32769 6\x01
        """,
    ),
    Dialogue(
        "one port offered to two",
        r"""
        >> PRIVMSG bob :\x01DCC SEND a 3232238082 5000 9\x01
        -> PRIVMSG bob :\x01DCC SEND a 3405803777 32769 9\x01
        !! open 1, irc.rewritten, irc.rewritten
        >> PRIVMSG eve :\x01DCC SEND a 3232238082 5000 9\x01
        -> PRIVMSG eve :\x01DCC SEND a 3405803777 32770 9\x01
        !! open 2, irc.rewritten, irc.rewritten
        << :bob!b@h PRIVMSG amy :\x01DCC RESUME a 32769 6\x01
        <- :bob!b@h PRIVMSG amy :\x01DCC RESUME a 5000 6\x01
        !! irc.rewritten
        >> PRIVMSG bob :\x01DCC ACCEPT a 5000 6\x01
        -> PRIVMSG bob :\x01DCC ACCEPT a 32769 6\x01
        !! irc.rewritten
        """,
    ),
    Dialogue(
        "reverse, from outside",
        r"""
        <= :bob!b@h PRIVMSG amy :\x01DCC SEND cat.jpg 199 0 1234 77\x01
        >= PRIVMSG bob :\x01DCC RESUME cat.jpg 0 600 77\x01
        <= :bob!b@h PRIVMSG amy :\x01DCC ACCEPT cat.jpg 0 600 77\x01
        >> PRIVMSG bob :\x01DCC SEND cat.jpg 3232238082 5000 1234 77\x01
        -> PRIVMSG bob :\x01DCC SEND cat.jpg 3405803777 32769 1234 77\x01
        !! open 1, irc.rewritten, irc.rewritten
        <= :bob!b@h PRIVMSG amy :\x01DCC CHAT chat 199 0 78\x01
        >> PRIVMSG bob :\x01DCC CHAT chat 3232238082 5001 78\x01
        -> PRIVMSG bob :\x01DCC CHAT chat 3405803777 32770 78\x01
        !! open 2, irc.rewritten, irc.rewritten
        """,
    ),
    Dialogue(
        "reverse, from inside",
        r"""
        >> PRIVMSG bob :\x01DCC SEND cat.jpg 3232238082 0 1234 77\x01
        -> PRIVMSG bob :\x01DCC SEND cat.jpg 3405803777 0 1234 77\x01
        !! irc.rewritten
        >= PRIVMSG bob :\x01DCC SEND cat.jpg 199 0 1234 78\x01
        <= :bob!b@h PRIVMSG amy :\x01DCC RESUME cat.jpg 0 600 77\x01
        >= PRIVMSG bob :\x01DCC ACCEPT cat.jpg 0 600 77\x01
        <= :bob!b@h PRIVMSG amy :\x01DCC SEND cat.jpg 3325256724 5000 1234 77\x01
        """,
    ),
    Dialogue(
        "what others say, and what is no DCC",
        r"""
        >= PING 1
        >= JOIN #cats
        >= PRIVMSG #cats :DCC SEND cat.jpg 3232238082 5000 1234
        >= PRIVMSG #cats :\x01ACTION says DCC SEND cat.jpg 3232238082 5000 1234\x01
        >= PRIVMSG #cats :\x01VERSION\x01 DCC SEND cat.jpg 3232238082 5000 1234
        >= TOPIC #cats :\x01DCC SEND cat.jpg 3232238082 5000 1234\x01
        >= PRIVMSG bob :\x01DCCX SEND cat.jpg 3232238082 5000 1234\x01
        >= PRIVMSG bob :\x01DCC VOICE gsm 3232238082 5000\x01
        >= NOTICE bob :\x01DCC REJECT SEND cat.jpg\x01
        >= PRIVMSG bob :\x01DCC GET cat.jpg\x01
        <= :bob!b@h PRIVMSG amy :\x01DCC SEND cat.jpg 3232238082 5000 1234\x01
        <= :bob!b@h PRIVMSG amy :\x01DCC SEND cat.jpg\x01
        <= :bob!b@h PRIVMSG amy :\x01DCC CHAT chat 3405803777 32769\x01
        <= :irc.example.net 372 amy :- \x01DCC SEND cat.jpg 3232238082 5000 1234\x01
        """,
    ),
    Dialogue(
        "refused",
        r"""
        >> PRIVMSG bob :\x01DCC SEND cat.jpg 3232238083 5000 1234\x01
        <- :gateway.invalid NOTICE amy :DCC SEND cat.jpg 3232238083 5000 1234 not sent: the address is not yours.
        !! irc.dcc.foreign_address
        >> PRIVMSG bob :\x01DCC CHAT chat 3232238082 22\x01
        <- :gateway.invalid NOTICE amy :DCC CHAT chat 3232238082 22 not sent: ports below 1024 are not served.
        !! irc.dcc.privileged
        >> PRIVMSG bob :\x01DCC SEND cat.jpg 3232238082\x01
        <- :gateway.invalid NOTICE amy :DCC SEND cat.jpg 3232238082 not sent: it cannot be read.
        !! irc.dcc.syntax
        >> PRIVMSG bob :\x01D\x10CC SEND cat.jpg 3232238082 5000\x01
        <- :gateway.invalid NOTICE amy :D\\x10CC SEND cat.jpg 3232238082 5000 not sent: its quoting cannot be read.
        !! irc.dcc.quoted
        >> PRIVMSG bob :\x01DCC SEND a 3232238082 5000 1\x01\x01DCC SEND b 1 5000 1\x01
        <- :gateway.invalid NOTICE amy :DCC SEND b 1 5000 1 not sent: the address is not yours.
        !! close 1, irc.dcc.foreign_address
        <= :bob!b@h NICK :rob
        <= :amy!amy@h NICK :eva
        >> PRIVMSG bob :hi\rPRIVMSG bob :ho
        <- :gateway.invalid NOTICE eva :Line not sent: it holds a NUL or CR.
        !! irc.line.bare_cr
        >> PRIVMSG bob :\0
        <- :gateway.invalid NOTICE eva :Line not sent: it holds a NUL or CR.
        !! irc.line.nul
        """,
    ),
    Dialogue(
        "not welcomed yet",
        r"""
        >= NICK amy
        <= :irc.example.net 433 * amy :Nickname is already in use
        >> PRIVMSG bob :\x01DCC CHAT chat 3232238082 5000\x01
        <- :gateway.invalid NOTICE * :DCC CHAT chat 3232238082 5000 not sent: the server has not welcomed you yet.
        !! irc.dcc.unregistered
        """,
        welcome="",
    ),
    Dialogue(
        "files denied",
        r"""
        >> PRIVMSG bob :\x01DCC SEND "C:\\x\\Cat.EXE" 3232238082 5000 12\x01
        <- :gateway.invalid NOTICE amy :DCC SEND "C:\\x\\Cat.EXE" 3232238082 5000 12 not sent: this file is not permitted.
        !! irc.dcc.denied
        << :bob!b@h PRIVMSG amy :\x01DCC SEND cat.exe 3325256724 5000 12\x01
        <- :gateway.invalid NOTICE amy :DCC SEND cat.exe 3325256724 5000 12 from bob withheld: this file is not permitted.
        !! irc.dcc.denied
        << :bob!b@h PRIVMSG amy :\x01DCC SEND cat.jpg 199 0 1001 77\x01
        <- :gateway.invalid NOTICE amy :DCC SEND cat.jpg 199 0 1001 77 from bob withheld: files of more than 1000 bytes are not permitted.
        !! irc.dcc.denied
        <= :bob!b@h PRIVMSG amy :\x01DCC SEND cat.jpg 3325256724 5000 1000\x01
        >= PRIVMSG bob :\x01DCC RESUME file.ext 5000 600\x01
        >> PRIVMSG bob :\x01DCC CHAT chat 3232238082 5000\x01
        -> PRIVMSG bob :\x01DCC CHAT chat 3405803777 32769\x01
        !! open 1, irc.rewritten, irc.rewritten
        """,
        options=options(deny_files="*.exe", max_size=1000),
    ),
    Dialogue(
        "no DCC at all",
        r"""
        >> PRIVMSG bob :\x01DCC VOICE gsm 3232238082 5000\x01
        <- :gateway.invalid NOTICE amy :DCC VOICE gsm 3232238082 5000 not sent: DCC is not permitted.
        !! irc.dcc.denied
        << @time=x :bob!b@h NOTICE amy :see \x01DCC CHAT chat 3325256724 5000\x01
        <- :gateway.invalid NOTICE amy :DCC CHAT chat 3325256724 5000 from bob withheld: DCC is not permitted.
        !! irc.dcc.denied
        <= :bob!b@h PRIVMSG amy :\x01ACTION waves\x01
        """,
        options=options(dcc="refuse"),
    ),
    Dialogue(
        "from one inside host to another, and one's own words again",
        r"""
        << :ann!a@h PRIVMSG amy :\x01DCC SEND cat.jpg 3405803777 40000 1234\x01
        <- :ann!a@h PRIVMSG amy :\x01DCC SEND cat.jpg 3232240642 6000 1234\x01
        !! irc.rewritten, irc.rewritten
        >> PRIVMSG bob :\x01DCC CHAT chat 3232238082 5000\x01
        -> PRIVMSG bob :\x01DCC CHAT chat 3405803777 32769\x01
        !! open 1, irc.rewritten, irc.rewritten
        << :amy!amy@h PRIVMSG bob :\x01DCC CHAT chat 3405803777 32769\x01
        <- :amy!amy@h PRIVMSG bob :\x01DCC CHAT chat 3232238082 5000\x01
        !! irc.rewritten, irc.rewritten
        """,
        others=(("203.0.113.1", 40000, "192.168.20.2", 6000),),
    ),
    Dialogue(
        "IPv6",
        r"""
        >= PRIVMSG bob :\x01DCC SEND cat.jpg 2001:db8:1::9 5000 1234\x01
        !! open 1
        <= :bob!b@h PRIVMSG amy :\x01DCC RESUME cat.jpg 5000 600\x01
        >= PRIVMSG bob :\x01DCC ACCEPT cat.jpg 5000 600\x01
        >> PRIVMSG bob :\x01DCC SEND cat.jpg 2001:db8:1::a 5000 1234\x01
        <- :gateway.invalid NOTICE amy :DCC SEND cat.jpg 2001:db8:1::a 5000 1234 not sent: the address is not yours.
        !! irc.dcc.foreign_address
        >> PRIVMSG bob :\x01DCC CHAT chat 3232238082 5000\x01
        <- :gateway.invalid NOTICE amy :DCC CHAT chat 3232238082 5000 not sent: the address is not yours.
        !! irc.dcc.foreign_address
        """,
        conversation=IPV6,
    ),
    Dialogue(
        "a published server",
        r"""
        >= PRIVMSG bob :\x01DCC SEND cat.jpg 3325256713 5000 1234\x01
        !! open 1
        <= :bob!b@h PRIVMSG amy :\x01DCC RESUME cat.jpg 5000 600\x01
        >= PRIVMSG bob :\x01DCC ACCEPT cat.jpg 5000 600\x01
        <= :bob!b@h PRIVMSG amy :\x01DCC SEND cat.jpg 3405803777 40000 1234\x01
        >> PRIVMSG bob :\x01DCC SEND cat.jpg 3232240642 5000 1234\x01
        <- :gateway.invalid NOTICE amy :DCC SEND cat.jpg 3232240642 5000 1234 not sent: the address is not yours.
        !! irc.dcc.foreign_address
        """,
        conversation=PUBLISHED,
        others=(("203.0.113.1", 40000, "192.168.20.2", 6000),),
    ),
    Dialogue(
        "STARTTLS refused",
        r"""
        >> STARTTLS
        <- :gateway.invalid 691 * :STARTTLS failed (the gateway does not permit it)
        !! irc.tls.refused
        >= NICK amy
        """,
        welcome="",
    ),
    Dialogue(
        "STARTTLS allowed",
        r"""
        >= STARTTLS
        >> NICK amy
        <= :irc.example.net 691 * :STARTTLS failed
        -> NICK amy
        >= STARTTLS
        <= :irc.example.net NOTICE * :*** Looking up your hostname
        <= :irc.example.net 670 * :STARTTLS successful
        !! irc.opaque, opaque
        >= \x16\x03\x01 not a line\c
        <= PRIVMSG amy :\x01DCC SEND\c
        """,
        options=options(tls="allow"),
        welcome="",
    ),
    Dialogue("TLS refused", ">> \\x16\\x03\\x01\n!! irc.tls.refused, abort", welcome=""),
    Dialogue(
        "TLS allowed",
        ">= \\x16\\x03\\x01\n!! irc.opaque, opaque\n<= \\x16\\x03\\x03\\c",
        options=options(tls="allow"),
        welcome="",
    ),
    Dialogue("the web", ">> POST / HTTP/1.1\n!! irc.not_irc, abort", welcome=""),
    Dialogue("nothing of the kind", ">> \\x05\\x01\\c\n!! irc.not_irc, abort", welcome=""),
]
