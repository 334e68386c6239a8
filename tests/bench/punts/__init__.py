"""How fast a controller answers packet-ins: a synthetic OpenFlow switch over a socket.

`python -m tests.bench.punts`. `switch` is the switch, `conversations` what it punts, `controllers`
starts who answers, `reckoning` makes figures of it.
"""
