"""The pure core: sessions, the TCP stream editor, bindings, expectations, policy, timers."""
