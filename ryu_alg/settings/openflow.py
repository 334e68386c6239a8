"""How the switch reaches the controller."""

from __future__ import annotations

from ipaddress import ip_address

from pydantic import Field

from ryu_alg.settings.fields import AnyAddress, FilePath, Port
from ryu_alg.settings.section import Section


class TlsFiles(Section):
    """What both sides of the switch's connection are known by. All files are PEM."""

    certificate: FilePath = Field(
        description="The controller's certificate, and after it those that lead to the authority "
        "that the switch knows (`ovs-vsctl set-ssl`). Relative to the configuration file, as all "
        "of these."
    )
    private_key: FilePath = Field(
        description="Its private key, without a passphrase. Nobody else should be able to read it."
    )
    ca: FilePath = Field(
        description="The authority of the switch's certificate: whoever has one of it may connect. "
        "So let it be an authority that signs for switches and nobody else."
    )


class OpenFlowSettings(Section):
    """Where the controller waits for the switch."""

    bind: AnyAddress = Field(
        default=ip_address("127.0.0.1"),
        description="The address it listens on. Elsewhere than on loopback, give it `tls`: whoever "
        "reaches a plain port can say that he is the switch, and read and change what it is told.",
    )
    port: Port = Field(default=6653, description="Its TCP port.")
    tls: TlsFiles | None = Field(
        default=None,
        description="TLS 1.2 or later, with certificates on both sides. Nothing listens over plain "
        "TCP then.",
    )
