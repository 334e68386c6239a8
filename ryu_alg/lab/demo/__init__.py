"""`ryu-alg lab demo`: FTP transfers through the gateway, shown while they happen.

What is shown comes from three places, none of which is asked to be polite: captures of the
wires on both sides of the gateway (control lines before and after rewriting), the gateway's
REST endpoint (sessions, pinholes, the switch's flow counters), and a capture of the switch's
OpenFlow connection (every packet that went through the controller).
"""

from ryu_alg.lab.demo.demo import run

__all__ = ["run"]
