"""Decompression of files written by the Unix program compress (suffix .Z), the LZW algorithm.

The standard library cannot read them, and the size of what comes out must be bounded before it
fills the memory.

A file is 1f 9d, a byte of flags (0x80: code 256 empties the table; 0x1f: largest code width), then
codes of 9 bits, least significant bit first. A code stands for a string: codes below 256 for a
single byte, later ones for the string of the code before plus the first byte of the string after.
Codes get a bit wider whenever the table outgrows the width, and each change of width starts at a
multiple of 8 codes, counted from the last change (Welch, 1984; compress 4.0).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

MAGIC = b"\x1f\x9d"
_CLEAR = 256
_FIRST_BITS = 9
_CHUNK = 1 << 16  # codes decoded at a time; a multiple of 8
# compress looks every 10,000 bytes whether to empty its table; each time costs 30 us here.
_MOST_CLEARS = 20_000


def decompress(data: bytes, limit: int) -> bytes:
    """Decompress the content of a .Z file.

    Parameters
    ----------
    data
        The whole file.
    limit
        Largest number of bytes that may come out.

    Raises
    ------
    ValueError
        If the data is not what compress writes, or larger than `limit` when decompressed.
    """
    if data[:2] != MAGIC or len(data) < 3:
        raise ValueError("does not begin as a .Z file does (1f 9d)")
    resets, max_bits = bool(data[2] & 0x80), max(data[2] & 0x1F, 10)  # 9 means 10 to compress
    if max_bits > 16:
        raise ValueError(f"code width {max_bits} in its header is above 16")
    empty = [bytes([value]) for value in range(256)] + ([b""] if resets else [])
    table, full = empty.copy(), 1 << max_bits
    position, bits, previous = 3, _FIRST_BITS, b""
    out: list[bytes] = []
    size = n_clears = 0
    while position < len(data):
        # A width holds until the table outgrows it; every code but the first adds an entry.
        room = (1 << bits) - len(table) + (not previous) if bits < max_bits else _CHUNK
        codes = _unpack(data, position, bits, room)
        clears = np.flatnonzero(codes == _CLEAR).tolist() if resets else []
        strings = codes[: clears[0] if clears else None].tolist()
        used = len(strings) + bool(clears)
        if len(table) == full:
            entries = [table[code] for code in strings]
        else:
            entries = _decode(strings, table, full, previous, limit - size)
        previous = entries[-1] if entries else previous
        size += sum(map(len, entries))
        if size > limit:
            raise ValueError(f"is larger than {limit:,} bytes when decompressed")
        out.append(b"".join(entries))
        position += -(-used // 8) * bits
        if clears:
            table, bits, previous = empty.copy(), _FIRST_BITS, b""
            n_clears += 1
            if n_clears > _MOST_CLEARS:
                raise ValueError(f"empties its table more than {_MOST_CLEARS:,} times")
        elif bits < max_bits and len(table) >= 1 << bits:
            bits += 1
        elif used < room:
            break
    return b"".join(out)


def _decode(
    codes: list[int], table: list[bytes], full: int, previous: bytes, limit: int
) -> list[bytes]:
    """The strings of `codes`, entered into `table` until it is full; stops beyond `limit` bytes."""
    entries = []
    for code in codes:
        if code < len(table):
            entry = table[code]
        elif code == len(table) and previous:
            entry = previous + previous[:1]
        else:
            raise ValueError(f"is damaged: code {code} occurs before it is defined")
        if previous and len(table) < full:
            table.append(previous + entry[:1])
        entries.append(entry)
        previous = entry
        limit -= len(entry)
        if limit < 0:
            break
    return entries


def _unpack(data: bytes, position: int, bits: int, count: int) -> NDArray[np.integer[Any]]:
    """Up to `count` whole codes of `bits` bits, from byte `position` on."""
    count = min(count, (len(data) - position) * 8 // bits)
    if bits == 16:
        return np.frombuffer(data, "<u2", count, position)
    packed = np.frombuffer(data, np.uint8, -(-count * bits // 8), position)
    unpacked = np.unpackbits(packed, count=count * bits, bitorder="little")
    return unpacked.reshape(count, bits) @ (1 << np.arange(bits))
