"""Normal variates by counter: the number at a place of a stream, computed without those before it.

A group of runs needs each member's noise to follow from the member's seed and its update alone. A generator object a
member would do, at 10 microseconds to seed one; here a hash of (stream, counter) gives the numbers of all members at
once, at some 7 nanoseconds each. The hash is SplitMix64 (Steele, Lea and Flood 2014, "Fast splittable pseudorandom
number generators"), its output becomes normal by Box and Muller 1958.
"""

import numpy as np
from numpy.typing import NDArray

_INCREMENT = np.uint64(0x9E3779B97F4A7C15)
_FACTORS = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_SHIFTS = np.uint64(30), np.uint64(27), np.uint64(31)
_TOP_24, _LOW_24 = np.uint64(40), np.uint64(0xFFFFFF)
_UNIT = np.float32(2.0**-24)
_TURN = np.float32(2 * np.pi * 2.0**-24)


def stream_keys(seeds: NDArray[np.int64]) -> NDArray[np.uint64]:
    """(k,) a stream for each seed; seeds that are close give streams that have nothing in common."""
    return _mix(_mix(seeds.astype(np.uint64) + _INCREMENT) + _INCREMENT)


def normals(keys: NDArray[np.uint64], counters: NDArray[np.int64], n: int) -> NDArray[np.float32]:
    """Standard normal variates, of single precision: 24 bits, 5.7 standard deviations at most.

    Args:
        keys: (k,) of `stream_keys`.
        counters: (k,) place in the stream; places must be n / 2 apart to share no number.
        n: how many of each stream, an even number.

    Returns:
        (n, k); column i depends on keys[i] and counters[i] alone, to the bit.
    """
    half = n // 2
    bits = (keys + counters.astype(np.uint64) * _INCREMENT) + (np.arange(half, dtype=np.uint64) * _INCREMENT)[:, None]
    _mix(bits, out=bits)
    radius = (bits >> _TOP_24).view(np.int64).astype(np.float32)
    radius += np.float32(1.0)
    radius *= _UNIT  # in (0, 1]
    np.log(radius, out=radius)
    radius *= np.float32(-2.0)
    np.sqrt(radius, out=radius)
    bits &= _LOW_24
    angle = bits.view(np.int64).astype(np.float32)
    angle *= _TURN
    variates = np.empty((n, len(keys)), np.float32)
    np.cos(angle, out=variates[:half])
    np.sin(angle, out=variates[half:])
    variates[:half] *= radius
    variates[half:] *= radius
    return variates


def _mix(bits: NDArray[np.uint64], out: NDArray[np.uint64] | None = None) -> NDArray[np.uint64]:
    """SplitMix64's finalizer."""
    bits = np.bitwise_xor(bits, bits >> _SHIFTS[0], out=out)
    bits *= _FACTORS[0]
    bits ^= bits >> _SHIFTS[1]
    bits *= _FACTORS[1]
    bits ^= bits >> _SHIFTS[2]
    return bits
