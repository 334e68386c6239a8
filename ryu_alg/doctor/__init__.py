"""What is wrong with a gateway's surroundings, and with the flows in its switch."""
