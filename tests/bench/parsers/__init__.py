"""How fast each protocol is read, in process: real inspectors, behind the engine that asks them.

`python -m tests.bench.parsers`. `conversations` is what is said, `stopwatch` is on the inspectors.
"""
