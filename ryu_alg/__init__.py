"""An application-level gateway (RFC 2663 section 2.9) for Open vSwitch, on Ryu."""

__version__ = "0.1.0"
