"""The tests: the tree mirrors ryu_alg/."""
