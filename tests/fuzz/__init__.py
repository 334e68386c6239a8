"""Harnesses that take any bytes: short runs in `test_targets`, long ones by `make fuzz`."""
