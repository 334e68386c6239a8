"""What goes wrong in the lab, in words for the person at the terminal."""


class LabError(Exception):
    """One line that says what is wrong and, where there is one, the way out."""
