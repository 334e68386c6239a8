"""Tests of the engine, and the network in which the stream editor is tried."""
