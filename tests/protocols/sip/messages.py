"""Messages to test with, and the torture tests of RFC 4475 in words of our own."""

from __future__ import annotations

from collections.abc import Iterable

BRANCH = "z9hG4bK-a7c1"


def message(first: str, headers: Iterable[str], body: bytes = b"", length: bool = True) -> bytes:
    """A message; Content-Length is added."""
    lines = [first, *headers]
    if length:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def request(
    method: str = "OPTIONS",
    uri: str = "sip:bob@example.com",
    *extra: str,
    via: str = f"SIP/2.0/UDP 192.168.10.2:5060;branch={BRANCH};rport",
    sender: str = "<sip:alice@example.com>;tag=a1",
    to: str = "<sip:bob@example.com>",
    call_id: str = "c1@192.168.10.2",
    cseq: int = 1,
    body: bytes = b"",
) -> bytes:
    """A request with all that it must have."""
    headers = [
        f"Via: {via}",
        "Max-Forwards: 70",
        f"From: {sender}",
        f"To: {to}",
        f"Call-ID: {call_id}",
        f"CSeq: {cseq} {method}",
        *extra,
    ]
    return message(f"{method} {uri} SIP/2.0", headers, body)


TORTURE_VALID = {
    "blanks and folds wherever they may be": (
        b"INVITE sip:v@chair.example.com;unknownparam SIP/2.0\r\n"
        b"TO :\r\n sip:v@chair.example.com ;   tag    = 19181x\r\n"
        b'from   : "J Rosenberg \\\\\\""       <sip:j@example.com>\r\n  ;\r\n  tag = 98asjd8\r\n'
        b"MaX-fOrWaRdS: 0068\r\nCall-ID: wsinv.1@192.0.2.1\r\nContent-Length   : 3\r\n"
        b"cseq: 0009\r\n  INVITE\r\nVia  : SIP  /   2.0\r\n /UDP\r\n    192.0.2.2;branch=390sk\r\n"
        b"s :\r\nNewFangled:   newfangled value\r\n continued\r\nOdd: ;;,,;;,;\r\n"
        b"Content-Type: application/sdp\r\nRoute:\r\n <sip:services.example.com;lr;u=v;w>\r\n"
        b"v:  SIP  / 2.0  / TCP     spindle.example.com   ;\r\n  branch  =   z9hG4bK9ik  ,\r\n"
        b" SIP  /    2.0   / UDP  192.168.255.111   ; branch=\r\n z9hG4bK30239\r\n"
        b'm:"Quoted string \\"\\"" <sip:j@example.com> ; newparam =\r\n      newvalue ;\r\n'
        b"  secondparam ; q = 0.33\r\n\r\nv=0"
    ),
    "every character that may be anywhere": (
        b"!interesting-Method0123456789_*+`.%indeed'~ sip:1_unusual.URI~(to-be!sure)&isn't+it$/"
        b"crazy?,/;;*:&it+has=1,weird!*pas$wo~d_too.(doesn't-it)@example.com SIP/2.0\r\n"
        b"Via: SIP/2.0/TCP host1.example.com;branch=z9hG4bK-.!%66*_+`'~\r\n"
        b'To: "BEL:\\\x07 NUL:\\\x00 DEL:\\\x7f" <sip:1_unusual~(to-be!sure)@example.com>\r\n'
        b"From: token1~` token2'+_ token3*%!.- <sip:mundane@example.com>"
        b";fromParam''~+*_!.-%=\"\xd1\x80\xd0\xb0\";tag=_token~1'+`*%!-.\r\n"
        b"Call-ID: intmeth.word%ZK-!.*_+'@word`~)(><:\\/\"][?}{\r\n"
        b"CSeq: 139122385 !interesting-Method0123456789_*+`.%indeed'~\r\n"
        b"Max-Forwards: 255\r\nextensionHeader-!.%*+_`'~: \xef\xbb\xbf\xe5\xa4\xa7\r\n"
        b"Content-Length: 0\r\n\r\n"
    ),
    "escaped characters are no others": request(
        "RE%47IST%45R", "sip:registrar.example.com", "Contact: <sip:alias1@host1.example.com>"
    ),
    "a null in a URI, escaped": request(
        "REGISTER", "sip:example.com", "Contact: <sip:%00@host5.example.com>"
    ),
    "nothing between name and bracket": request(sender='"Bell, A."<sip:bell@example.com>;tag=43'),
    "a status line without a phrase": message(
        "SIP/2.0 100 ",
        [
            "Via: SIP/2.0/UDP 192.0.2.105;branch=z9hG4bK2398",
            "From: <sip:user@example.com>;tag=2",
            "To: <sip:user@example.edu>",
            "Call-ID: noreason",
            "CSeq: 35 INVITE",
        ],
    ),
    "a scheme that nobody knows": request(uri="nobodyKnowsThisScheme:totallyopaquecontent"),
    "semicolons in the user": request(uri="sip:user;par=u%40example.net@example.com"),
    "many transports": request(
        "OPTIONS", "sip:u@h", "Via: SIP/2.0/SCTP a, SIP/2.0/TLS b", "Via: SIP/2.0/UNKNOWN c"
    ),
    "as RFC 2543 had it": (
        b"INVITE sip:UserB@example.com SIP/2.0\r\nVia: SIP/2.0/UDP iftgw.example.com\r\n"
        b"From: <sip:+13035551111@ift.example.net;user=phone>\r\n"
        b"Record-Route: <sip:UserB@example.com;maddr=ss1.example.com>\r\n"
        b"To: sip:+16505552222@ss1.example.net;user=phone\r\nCall-ID: inv2543.1@ift.example.com\r\n"
        b"CSeq: 56 INVITE\r\n\r\n"
    ),
    "IPv6 in brackets, everywhere (RFC 5118)": request(
        "REGISTER",
        "sip:[2001:db8::10]",
        "Contact: <sip:caller@[2001:db8::1]>",
        via="SIP/2.0/UDP [2001:db8::9:1];received=[2001:db8::9:255];branch=z9hG4bKas3-111",
        to="sip:user@[2001:db8::10]:5070",
    ),
    "received without brackets (RFC 5118 section 4.5)": request(
        via="SIP/2.0/UDP [2001:db8::9:1];received=2001:db8::9:255;branch=z9hG4bKas3"
    ),
    "an IPv4-mapped address (RFC 5118 section 4.9)": request(
        "INVITE", "sip:user@example.com", "Contact: <sip:u@[::ffff:192.0.2.10]>"
    ),
    "line ends in front": b"\r\n\r\n" + request(),
}

TORTURE_INVALID = {
    "Content-Length says more than there is": (
        request("INVITE", body=b"v=0").replace(b"Length: 3", b"Length: 9999"),
        (400, "LENGTH"),
    ),
    "Content-Length below zero": (
        request("INVITE", body=b"v=0").replace(b"Length: 3", b"Length: -999"),
        (400, "LENGTH"),
    ),
    "more than one Content-Length": (request("OPTIONS", "sip:b@h", "l: 0"), (400, "REPEATED")),
    "more than one Call-ID": (request("OPTIONS", "sip:b@h", "i: another"), (400, "REPEATED")),
    "numbers too large": (request(cseq=36893488147419103232), (400, "SEQUENCE")),
    "Max-Forwards too large": (
        request().replace(b"Forwards: 70", b"Forwards: 300"),
        (400, "NUMBER"),
    ),
    "an unterminated quoted string": (
        request(to='"Mr. J. User <sip:j@example.com>'),
        (400, "ADDRESS"),
    ),
    "an unbracketed URI with headers": (
        request("REGISTER", "sip:h", "Contact: sip:user@example.com?Route=%3Csip:s.example%3E"),
        (400, "ADDRESS"),
    ),
    "a bracketed Request-URI": (request(uri="<sip:user@example.com>"), (400, "START_LINE")),
    "a blank within the Request-URI": (request(uri="sip:u@example.com; lr"), (400, "START_LINE")),
    "two blanks in the start line": (request(uri=" sip:user@example.com "), (400, "START_LINE")),
    "blanks behind the version": (
        request().replace(b"SIP/2.0\r\n", b"SIP/2.0  \r\n", 1),
        (400, "START_LINE"),
    ),
    "another version": (
        request().replace(b" SIP/2.0\r\n", b" SIP/7.0\r\n", 1),
        (505, "VERSION"),
    ),
    "CSeq names another method": (
        request().replace(b"1 OPTIONS\r\n", b"1 NEWMETHOD\r\n"),
        (400, "SEQUENCE"),
    ),
    "superfluous separators in Via": (
        request(via="SIP/2.0/UDP 192.0.2.15;;,;,,"),
        (400, "VIA"),
    ),
    "an IPv6 literal without brackets (RFC 5118 section 4.2)": (
        request("REGISTER", "sip:2001:db8::10"),
        (400, "START_LINE"),
    ),
}
"""The message, and the status and fault of the answer."""
