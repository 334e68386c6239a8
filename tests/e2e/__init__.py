"""End to end: real clients and servers in namespaces, real Open vSwitch, the real gateway."""
