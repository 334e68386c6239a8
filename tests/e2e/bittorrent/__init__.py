"""BitTorrent end to end: a real tracker, real clients, and whole files."""
