"""What many live sessions cost: in this process, and with the synthetic switch; and a soak.

`python -m tests.bench.scale`. `site` is a gateway in this process, `levels` measures it, `talks`
has what hosts say besides `punts.conversations`, `controlled` and `soak` use the synthetic switch,
`reckoning` makes figures of it.
"""
