"""Controllers that echo: no work at all, in as few lines as each framework allows."""
