"""Tones: made, and found again in a recording."""

from __future__ import annotations

import math
import struct
import wave
from array import array
from pathlib import Path

RATE = 8000
"""Samples per second."""
_AMPLITUDE = 8000
_WINDOW = RATE // 10
"""Samples looked at together: one tenth of a second tells tones 10 Hz apart."""


def write(path: Path, frequency: int, seconds: int) -> None:
    """A WAV file with a tone."""
    # It repeats after a second, whatever whole number the frequency is.
    second = b"".join(
        struct.pack("<h", round(_AMPLITUDE * math.sin(2 * math.pi * frequency * sample / RATE)))
        for sample in range(RATE)
    )
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(second * seconds)


def read(path: Path) -> array[int]:
    """The samples of a WAV file, also of one that is still being written."""
    samples = array("h")
    data = path.read_bytes()[44:]
    samples.frombytes(data[: len(data) // 2 * 2])
    return samples


def seconds_of(samples: array[int], frequency: int) -> float:
    """For how long a tone of that frequency, and hardly anything else, is to be heard."""
    windows = range(0, len(samples) - _WINDOW + 1, _WINDOW)
    heard = sum(_is_tone(samples[start : start + _WINDOW], frequency) for start in windows)
    return heard * _WINDOW / RATE


def seconds_of_silence(samples: array[int]) -> float:
    """For how long there is next to nothing to be heard."""
    windows = range(0, len(samples) - _WINDOW + 1, _WINDOW)
    quiet = sum(max(map(abs, samples[at : at + _WINDOW])) < _AMPLITUDE / 100 for at in windows)
    return quiet * _WINDOW / RATE


def _is_tone(samples: array[int], frequency: int) -> bool:
    """Goertzel's algorithm: nine tenths of the energy are at that frequency."""
    factor = 2 * math.cos(2 * math.pi * frequency / RATE)
    before = last = 0.0
    for sample in samples:
        before, last = last, sample + factor * last - before
    power = last * last + before * before - factor * last * before
    energy = sum(sample * sample for sample in samples)
    at_frequency = 2 * power / len(samples)
    return energy > len(samples) * (_AMPLITUDE / 10) ** 2 and at_frequency > 0.9 * energy
