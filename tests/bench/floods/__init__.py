"""Floods: what legitimate users of the gateway notice of them, and what the gateway does.

`python -m tests.bench.floods` (root) measures; tests/e2e/test_floods.py runs a short flood of each
kind.
"""
