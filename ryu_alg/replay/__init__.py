"""`ryu-alg replay`: a capture through the engine, with a stand-in for the switch."""
