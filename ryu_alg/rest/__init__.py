"""What a running gateway shows of itself over HTTP, and the commands that read it.

Only `controller` imports Ryu: the rest is testable, and the commands start fast, without it.
"""

BASE = "/v1.0/alg"
"""What the paths begin with, but for /metrics."""
