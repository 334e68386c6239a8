"""Conversations that must go exactly so: for the playbook, split, pipelined and fuzz tests."""

from __future__ import annotations

from dataclasses import dataclass, field

from ryu_alg.inspection import Conversation
from ryu_alg.protocols.ftp import FtpOptions
from tests.protocols.ftp.session import Session
from tests.protocols.gateway import BEHIND_NAT, IPV6, OUTSIDE, PUBLISHED

LOGIN = r"""
<= 220 ProFTPD ready.
>= USER anonymous
<= 331 Password, please.
>= PASS guest@
<= 230 Welcome.
"""


@dataclass(frozen=True)
class Dialogue:
    """One conversation and the circumstances in which it goes so."""

    name: str
    text: str
    conversation: Conversation = BEHIND_NAT
    options: FtpOptions = field(default_factory=FtpOptions)
    pipelined: bool = True
    """Comes to the same if the client sends all at once."""

    def session(self) -> Session:
        return Session(self.options, self.conversation)


DIALOGUES = [
    Dialogue(
        "active",
        LOGIN
        + r"""
        >> PORT 192,168,10,2,199,254
        -> PORT 203,0,113,1,128,1
        !! open 1, ftp.rewritten
        <= 200 PORT command successful.
        >= RETR file
        <= 150 Opening.
        <= 226 Done.
        !! close 1
        >= QUIT
        <= 221 Goodbye.
        """,
    ),
    Dialogue(
        "active, in lower case, ended by LF, with trailing blanks",
        LOGIN
        + r"""
        >> port 192,168,10,2,199,254\n\c
        -> port 203,0,113,1,128,1\n\c
        !! open 1, ftp.rewritten
        <= 200 ok
        >> Port   192,168,10,2,4,5  \t
        -> Port   203,0,113,1,128,2  \t
        !! open 2, ftp.rewritten
        <= 200 ok
        !! close 1
        """,
    ),
    Dialogue(
        "a second PORT replaces the first, a refused one does not",
        LOGIN
        + r"""
        >> PORT 192,168,10,2,4,5
        -> PORT 203,0,113,1,128,1
        !! open 1, ftp.rewritten
        <= 200 ok
        >> PORT 192,168,10,2,4,6
        -> PORT 203,0,113,1,128,2
        !! open 2, ftp.rewritten
        <= 500 no
        !! close 2
        >> PORT 192,168,10,2,4,7
        -> PORT 203,0,113,1,128,3
        !! open 3, ftp.rewritten
        <= 200-yes\r\n200 indeed
        !! close 1
        >= ABOR
        <= 225 nothing to abort
        !! close 3
        """,
    ),
    Dialogue(
        "active without NAT: nothing changes",
        LOGIN
        + r"""
        >= PORT 198,51,100,9,4,5
        !! open 1
        <= 200 ok
        >= EPRT |1|198.51.100.9|1030|
        !! open 2
        <= 200 ok
        !! close 1
        """,
        OUTSIDE,
    ),
    Dialogue(
        "leading zeros, which some read as octal, are written anew",
        LOGIN
        + r"""
        >> PORT 198,051,100,009,4,5
        -> PORT 198,51,100,9,4,5
        !! open 1, ftp.rewritten
        <= 200 ok
        """,
        OUTSIDE,
    ),
    Dialogue(
        "extended active, IPv4, any delimiter",
        LOGIN
        + r"""
        >> EPRT |1|192.168.10.2|6275|
        -> EPRT |1|203.0.113.1|32769|
        !! open 1, ftp.rewritten
        <= 200 ok
        >> EPRT !1!192.168.10.2!6276!
        -> EPRT !1!203.0.113.1!32770!
        !! open 2, ftp.rewritten
        <= 200 ok
        !! close 1
        >> EPRT ~1~192.168.10.2~6277~
        -> EPRT ~1~203.0.113.1~32771~
        !! open 3, ftp.rewritten
        <= 522 use (2)
        !! close 3
        """,
    ),
    Dialogue(
        "extended, IPv6",
        LOGIN
        + r"""
        >= EPRT |2|2001:db8:1::9|6275|
        !! open 1
        <= 200 ok
        >= EPRT |2|2001:DB8:1:0:0:0:0:9|6276|
        !! open 2
        <= 200 ok
        !! close 1
        >= LIST
        <= 150 here
        <= 226 done
        !! close 2
        >= EPSV
        <= 229 Extended (|||6446|)
        !! open 3
        >= EPSV 2
        <= 229 Extended (|||6447|)
        !! close 3, open 4
        >> PORT 192,168,10,2,4,5
        <- 522 Network protocol not supported, use (2).
        !! ftp.port.family
        >> EPRT |1|192.168.10.2|6275|
        <- 522 Network protocol not supported, use (2).
        !! ftp.port.family
        >= PASV
        << 227 Entering (0,0,0,0,4,5)
        <- 425 The address is not the server's own.
        !! ftp.pasv.foreign_address
        """,
        IPV6,
    ),
    Dialogue(
        "passive, server outside",
        LOGIN
        + r"""
        >= PASV
        << 227 Entering Passive Mode (198,51,100,7,200,10).
        <- 227 Entering Passive Mode (198,51,100,7,200,10).
        !! open 1
        >= RETR a
        <= 150 Opening.
        <= 226 Done.
        !! close 1
        >= epsv
        << 229 Entering Extended Passive Mode (|||51300|)
        <- 229 Entering Extended Passive Mode (|||51300|)
        !! open 2
        >= STOR b
        << 550 No.
        <- 550 No.
        !! close 2
        """,
    ),
    Dialogue(
        "passive, published server: every form that is met",
        LOGIN
        + r"""
        >= PASV
        << 227 Entering Passive Mode (192,168,20,2,200,10).
        <- 227 Entering Passive Mode (203,0,113,1,128,1).
        !! open 1, ftp.rewritten
        >= PASV
        << 227 Entering Passive Mode 192,168,20,2,200,11
        <- 227 Entering Passive Mode 203,0,113,1,128,2
        !! close 1, open 2, ftp.rewritten
        >= PASV
        << 227 =192,168,20,2,200,12
        <- 227 =203,0,113,1,128,3
        !! close 2, open 3, ftp.rewritten
        >= PASV
        << 227 Passive ( 192, 168, 20, 2, 200, 13 ) is it
        <- 227 Passive ( 203,0,113,1,128,4 ) is it
        !! close 3, open 4, ftp.rewritten
        >= PASV
        << 227 Mode 2 of 3, 192,168,20,2,200,14; good luck
        <- 227 Mode 2 of 3, 203,0,113,1,128,5; good luck
        !! close 4, open 5, ftp.rewritten
        >= PASV
        << 227 Port 51215 on 192, 168, 20, 2, 200, 15
        <- 227 Port 51215 on 203,0,113,1,128,6
        !! close 5, open 6, ftp.rewritten
        >= PASV
        << 227-Entering Passive Mode (192,168,20,2,200,16)\r\n227 as you wished
        <- 227-Entering Passive Mode (203,0,113,1,128,7)\r\n227 as you wished
        !! close 6, open 7, ftp.rewritten
        >= PASV
        << 227-One moment\r\n 227 (10,0,0,1,4,5)\r\n227 (192,168,20,2,200,17)\n\c
        <- 227-One moment\r\n 227 (10,0,0,1,4,5)\r\n227 (203,0,113,1,128,8)\n\c
        !! close 7, open 8, ftp.rewritten
        >= PASV
        << 227-At (192,168,20,2,200,18)\r\n227 At (192,168,20,2,200,18)
        <- 227-At (203,0,113,1,128,9)\r\n227 At (203,0,113,1,128,9)
        !! close 8, open 9, ftp.rewritten
        >= PASV
        << 227 Entering Passive Mode (203,0,113,1,200,19)
        <- 227 Entering Passive Mode (203,0,113,1,128,10)
        !! close 9, open 10, ftp.rewritten
        """,
        PUBLISHED,
    ),
    Dialogue(
        "extended passive, published server",
        LOGIN
        + r"""
        >= EPSV
        << 229 Entering Extended Passive Mode (|||6446|)
        <- 229 Entering Extended Passive Mode (|||32769|)
        !! open 1, ftp.rewritten
        >= EPSV 1
        << 229 Entering 1234 !!!6447!
        <- 229 Entering 1234 !!!32770!
        !! close 1, open 2, ftp.rewritten
        >= EPSV
        << 229 With address (|1|192.168.20.2|6448|)
        <- 229 With address (|||32771|)
        !! close 2, open 3, ftp.rewritten
        >= EPSV
        << 229 Elsewhere (|1|10.0.0.1|6448|)
        <- 425 The address is not the server's own.
        !! ftp.pasv.foreign_address
        >= EPSV
        << 229 Entering (|||99999|)
        <- 425 The server's address cannot be read.
        !! ftp.pasv.syntax
        >= EPSV
        << 229 Entering (|||21|)
        <- 425 Ports below 1024 are not served.
        !! ftp.pasv.privileged
        """,
        PUBLISHED,
    ),
    Dialogue(
        "client outside, published server, active",
        LOGIN
        + r"""
        >= PORT 198,51,100,9,4,5
        !! open 1
        <= 200 ok
        """,
        PUBLISHED,
    ),
    Dialogue(
        "a client that knows the address as which it is seen",
        LOGIN
        + r"""
        >> PORT 203,0,113,1,4,5
        -> PORT 203,0,113,1,128,1
        !! open 1, ftp.rewritten
        <= 200 ok
        """,
    ),
    Dialogue(
        "nobody asked for this 227",
        LOGIN
        + r"""
        << 227 Entering Passive Mode (198,51,100,7,200,10).
        <- 227 Entering Passive Mode (198,51,100,7,200,10).
        !! ftp.reply.unasked
        << 229 Entering Extended Passive Mode (|||6446|)
        <- 229 Entering Extended Passive Mode (|||6446|)
        !! ftp.reply.unasked
        >= NOOP
        <= 227 Entering Passive Mode (198,51,100,7,200,10).
        >= EPSV
        <= 227 Entering Passive Mode (198,51,100,7,200,10).
        >= PASV
        <= 229 Entering Extended Passive Mode (|||6446|)
        >= PASV
        <= 425 no
        << 227 Entering Passive Mode (198,51,100,7,200,10).
        <- 227 Entering Passive Mode (198,51,100,7,200,10).
        !! ftp.reply.unasked
        """,
        pipelined=False,
    ),
    Dialogue(
        "replies of many lines with 227 inside",
        r"""
        <= 220-Hello\r\n227 Entering Passive Mode (198,51,100,7,4,5)
        <= 220-\r\n 220 not yet\r\n220
        >= FEAT
        <= 211-Features:
        <= 227 Entering Passive Mode (198,51,100,7,4,5)
        <= 227-Entering Passive Mode (198,51,100,7,4,5)
        <=  EPSV
        <= 211 End
        >= PASV
        <= 211-Not yours\r\n227 (198,51,100,7,4,5)
        <= 211 end
        >= PASV
        << 227 (198,51,100,7,4,5)
        <- 227 (198,51,100,7,4,5)
        !! open 1
        """,
    ),
    Dialogue(
        "120 before the greeting",
        r"""
        >= USER bob
        <= 120 Five minutes.
        <= 220 Now.
        <= 331 Password.
        """,
    ),
    Dialogue(
        "behind PASV everything waits",
        LOGIN
        + r"""
        >= PASV
        >> EPS\c
        >> V\r\nRETR a\r\nPASV\r\nNOOP
        << 227 Entering (198,51,100,7,4,5)
        !! open 1
        <- 227 Entering (198,51,100,7,4,5)
        -> EPSV
        << 229 Extended (|||6446|)
        !! close 1, open 2
        <- 229 Extended (|||6446|)
        -> RETR a\r\nPASV
        <= 150 Opening
        <= 226 Done
        !! close 2
        << 227 Entering (198,51,100,7,4,6)
        !! open 3
        -> NOOP
        <- 227 Entering (198,51,100,7,4,6)
        <= 200 ok
        """,
    ),
    Dialogue(
        "behind PORT everything waits",
        LOGIN
        + r"""
        >> PORT 192,168,10,2,4,5\r\nLIST\r\nPORT 192,168,10,2,4,6\r\nLIST
        -> PORT 203,0,113,1,128,1
        !! open 1, ftp.rewritten
        << 200 ok
        -> LIST
        <- 200 ok
        <= 150 here
        << 226 there
        -> PORT 203,0,113,1,128,2
        <- 226 there
        !! close 1, open 2, ftp.rewritten
        << 200 ok
        -> LIST
        <- 200 ok
        <= 550 no
        !! close 2
        """,
    ),
    Dialogue(
        "a transfer is aborted, with TELNET signals",
        LOGIN
        + r"""
        >= PASV
        << 227 (198,51,100,7,4,5)
        <- 227 (198,51,100,7,4,5)
        !! open 1
        >= RETR big
        <= 150 Opening
        >= \xff\xf4\xff\xf2ABOR
        << 426 Aborted.
        <- 426 Aborted.
        !! close 1
        <= 226 Abort successful.
        >= \xff\xfd\x06NOOP
        <= 200 ok
        """,
    ),
    Dialogue(
        "TELNET in front of PORT stays, within its address it is refused",
        LOGIN
        + r"""
        >> \xff\xf1PO\xff\xf1RT \xff\xf1192,168,10,2,4,5
        -> \xff\xf1PO\xff\xf1RT \xff\xf1203,0,113,1,128,1
        !! open 1, ftp.rewritten
        <= 200 ok
        >> PORT 192,168,\xff\xf110,2,4,5
        <- 501 Syntax error in the address.
        !! ftp.port.syntax
        >= RETR \xff\xff\xff.txt
        <= 550 no
        !! close 1
        """,
    ),
    Dialogue(
        "one reply for a transfer and its ABOR",
        LOGIN
        + r"""
        >= PASV
        << 227 (198,51,100,7,4,5)
        <- 227 (198,51,100,7,4,5)
        !! open 1
        >= RETR big
        <= 150 Opening
        >= ABOR
        << 226 Aborted.
        <- 226 Aborted.
        !! close 1
        >> LPSV
        !! ftp.unsupported
        >= PASV
        << 227 (198,51,100,7,4,6)
        <- 502 LPSV is not supported by the gateway.\r\n227 (198,51,100,7,4,6)
        !! open 2
        """,
    ),
    Dialogue(
        "a verb that the server does not know leaves the data connection for the next",
        LOGIN
        + r"""
        >= PASV
        << 227 (198,51,100,7,4,5)
        <- 227 (198,51,100,7,4,5)
        !! open 1
        >= MLSD
        <= 500 What?
        >= LIST
        <= 150 here
        <= 250 done
        !! close 1
        """,
    ),
    Dialogue(
        "addresses that are refused",
        LOGIN
        + r"""
        >> PORT 192,168,10,3,4,5
        <- 501 The address is not the client's own.
        !! ftp.port.foreign_address
        >> PORT 192,168,10,2,3,255
        <- 501 Ports below 1024 are not served.
        !! ftp.port.privileged
        >> PORT 192,168,10,258,4,5
        <- 501 Syntax error in the address.
        !! ftp.port.syntax
        >> PORT 192,168,10,2,4,0005
        <- 501 Syntax error in the address.
        !! ftp.port.syntax
        >> PORT
        <- 501 Syntax error in the address.
        !! ftp.port.syntax
        >> PORT 192,168,10,2,4,5,6
        <- 501 Syntax error in the address.
        !! ftp.port.syntax
        >> EPRT |1|192.168.10.2|65536|
        <- 501 Syntax error in the address.
        !! ftp.port.syntax
        >> EPRT |1|192.168.10.2|1023|
        <- 501 Ports below 1024 are not served.
        !! ftp.port.privileged
        >> EPRT |1|192.168.10.9|1025|
        <- 501 The address is not the client's own.
        !! ftp.port.foreign_address
        >> EPRT |2|2001:db8::1|1025|
        <- 522 Network protocol not supported, use (1).
        !! ftp.port.family
        >> EPRT |3|192.168.10.2|1025|
        <- 522 Network protocol not supported, use (1).
        !! ftp.port.family
        >= PASV
        << 227 (198,51,100,8,4,5)
        <- 425 The address is not the server's own.
        !! ftp.pasv.foreign_address
        >= PASV
        << 227 (198,51,100,7,3,255)
        <- 425 Ports below 1024 are not served.
        !! ftp.pasv.privileged
        >= PASV
        << 227-(198,51,100,7,400,5)\r\n227 nothing else
        <- 425 The server's address cannot be read.
        !! ftp.pasv.syntax
        """,
    ),
    Dialogue(
        "foreign addresses replaced",
        LOGIN
        + r"""
        >> PORT 10,0,0,1,4,5
        -> PORT 203,0,113,1,128,1
        !! open 1, ftp.rewritten
        <= 200 ok
        >= PASV
        << 227 (0,0,0,0,4,5)
        <- 227 (198,51,100,7,4,5)
        !! close 1, open 2, ftp.rewritten
        """,
        options=FtpOptions(foreign_port="replace", foreign_pasv="replace"),
    ),
    Dialogue(
        "a replaced address that 227 cannot say",
        LOGIN
        + r"""
        >= PASV
        << 227 (0,0,0,0,4,5)
        <- 425 The address cannot be announced in this way.
        !! close 1, ftp.pasv.family
        """,
        IPV6,
        FtpOptions(foreign_pasv="replace"),
    ),
    Dialogue(
        "FXP between listed hosts",
        LOGIN
        + r"""
        >= PORT 198,51,100,20,4,5
        !! open 1
        <= 200 ok
        >= PASV
        <= 227 (198,51,100,21,4,6)
        !! close 1, open 2
        >> PORT 198,51,100,40,4,5
        <- 501 The address is not the client's own.
        !! ftp.port.foreign_address
        """,
        OUTSIDE,
        FtpOptions.model_validate({"fxp_hosts": ["198.51.100.16/28", "2001:db8::/64"]}),
    ),
    Dialogue(
        "EPSV ALL",
        LOGIN
        + r"""
        >= EPSV ALL
        <= 500 no
        >= PASV
        <= 227 (198,51,100,7,4,6)
        !! open 1
        >= epsv all
        <= 200 ok
        >> PORT 192,168,10,2,4,5
        <- 501 PORT is not allowed after EPSV ALL.
        !! ftp.epsv_all
        >> EPRT |1|192.168.10.2|1025|
        <- 501 EPRT is not allowed after EPSV ALL.
        !! ftp.epsv_all
        >> PASV
        <- 501 PASV is not allowed after EPSV ALL.
        !! ftp.epsv_all
        >= EPSV
        <= 229 (|||6446|)
        !! close 1, open 2
        """,
    ),
    Dialogue(
        "what would carry addresses or commands past the gateway",
        LOGIN
        + r"""
        >> LPRT 4,4,192,168,10,2,2,4,5
        <- 502 LPRT is not supported by the gateway.
        !! ftp.unsupported
        >> LPSV
        <- 502 LPSV is not supported by the gateway.
        !! ftp.unsupported
        >> ENC bm9w
        <- 502 ENC is not supported by the gateway.
        !! ftp.unsupported
        >> AUTH TLS
        <- 534 The gateway does not permit encrypted sessions.
        !! ftp.auth.refused
        """,
    ),
    Dialogue(
        "AUTH allowed and accepted",
        r"""
        <= 220 ready
        >= AUTH SSL
        <= 504 no
        >> AUTH TLS\r\n\x16\x03\x01\c
        -> AUTH TLS
        << 234 go\r\n\x16\x03\x01\c
        <- 234 go\r\n\x16\x03\x01\c
        -> \x16\x03\x01\c
        !! ftp.opaque, opaque
        >= \0\0\0\c
        <= 227 (198,51,100,7,4,5)
        """,
        options=FtpOptions(auth="allow"),
    ),
    Dialogue(
        "denied commands are answered in their turn",
        LOGIN
        + r"""
        >> NOOP\r\nDELE x\r\nPWD\r\nSTOR y\r\nXRMD z\r\nNOOP
        -> NOOP\r\nPWD\r\nNOOP
        !! ftp.denied, ftp.denied, ftp.denied
        << 200 first
        <- 200 first\r\n550 Permission denied: the gateway allows reading only.
        << 257-"/"\r\nis it
        <- 257-"/"\r\nis it
        << 257 yes
        <- 257 yes\r\n550 Permission denied: the gateway allows reading only.
        <- 550 Permission denied: the gateway allows reading only.
        << 200 second
        <- 200 second
        >> MDTM 20240101000000 x
        <- 550 Permission denied: the gateway allows reading only.
        !! ftp.denied
        >= MDTM x
        <= 213 20240101000000
        """,
        options=FtpOptions(profile="read-only"),
    ),
    Dialogue(
        "a denied transfer ends what was announced for it",
        LOGIN
        + r"""
        >= PASV
        << 227 (198,51,100,7,4,5)
        <- 227 (198,51,100,7,4,5)
        !! open 1
        >> STOR x
        <- 550 Permission denied: the gateway allows reading only.
        !! ftp.denied, close 1
        """,
        options=FtpOptions(profile="read-only"),
    ),
    Dialogue(
        "the user is whom the server did not reject",
        r"""
        <= 220 ready
        >> SIZE x\r\nUSER root
        -> SIZE x
        !! ftp.denied
        << 530 login first
        <- 530 login first\r\n553 Not you.
        >= USER bob
        <= 331 password
        >> SIZE x
        <- 550 Permission denied by the gateway.
        !! ftp.denied
        >= USER alice
        <= 530 you are bob
        >> SIZE x
        <- 550 Permission denied by the gateway.
        !! ftp.denied
        >= REIN
        <= 220 again
        >= SIZE x
        <= 530 login first
        """,
        options=FtpOptions.model_validate(
            {
                "rules": [
                    {"action": "deny", "users": "root", "reply": "553 Not you."},
                    {"action": "deny", "users": ["BOB"], "commands": ["size"]},
                ]
            }
        ),
    ),
    Dialogue(
        "lines that are no commands",
        LOGIN
        + r"""
        >> NOOP\0
        <- 500 Syntax error, command unrecognized.
        !! ftp.line.nul
        >> NOOP\rDELE x
        <- 500 Syntax error, command unrecognized.
        !! ftp.line.bare_cr
        >> \xff\xfdSTOR x
        <- 500 Syntax error, command unrecognized.
        !! ftp.line.telnet
        >> \r
        <- 500 Syntax error, command unrecognized.
        !! ftp.line.empty
        >= XYZZY  what ever\x80
        <= 502 what
        """,
    ),
    Dialogue(
        "a line that is too long",
        LOGIN + ">> PASS " + "x" * 600 + "\n<- 500 Command line too long.\n!! ftp.line.overlong\n"
        ">= RETR " + "y" * 505 + "\n<= 550 no",
    ),
    Dialogue(
        "HOST, FEAT, OPTS, LANG pass",
        r"""
        <= 220 ready
        >= HOST ftp.example.net
        <= 220 it is
        >= FEAT
        <= 211-Ext\r\n EPRT\r\n AUTH TLS\r\n211 End
        >= OPTS UTF8 ON
        <= 200 on
        >= LANG fr
        <= 200 oui
        >= REST 100
        <= 350 fine
        """,
    ),
]
