"""RTSP end to end: real servers and players, and a script where those are too polite."""
