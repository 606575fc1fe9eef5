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

from collections.abc import Iterator
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
    return b"".join(_Decoder(data, max_bits, resets, limit).pieces())


class _Decoder:
    """Where in a file decompression is, and what its next codes stand for.

    Attributes
    ----------
    table
        The string of each code so far.
    bits
        Width of the next codes.
    previous
        The string of the code before; empty at the beginning, and after the table was emptied.
    position
        Byte at which the next codes begin.
    size
        Bytes that came out.
    """

    def __init__(self, data: bytes, max_bits: int, resets: bool, limit: int) -> None:
        self.data, self.max_bits, self.resets, self.limit = data, max_bits, resets, limit
        self.position, self.size, self.n_clears = 3, 0, 0
        self._empty()

    def _empty(self) -> None:
        self.table = [bytes([value]) for value in range(256)] + ([b""] if self.resets else [])
        self.bits, self.previous = _FIRST_BITS, b""

    def pieces(self) -> Iterator[bytes]:
        """What comes out, by codes of one width, or up to one that empties the table."""
        while self.position < len(self.data):
            room = self._room()
            codes = _unpack(self.data, self.position, self.bits, room)
            clears = np.flatnonzero(codes == _CLEAR).tolist() if self.resets else []
            strings = codes[: clears[0] if clears else None].tolist()
            used = len(strings) + bool(clears)
            yield b"".join(self._decode(strings))
            # Codes are written in groups of eight, the last group of a width filled up: so many
            # bytes as a code has bits.
            self.position += -(-used // 8) * self.bits
            if clears:
                self._empty()
                self.n_clears += 1
                if self.n_clears > _MOST_CLEARS:
                    raise ValueError(f"empties its table more than {_MOST_CLEARS:,} times")
            elif self.bits < self.max_bits and len(self.table) >= 1 << self.bits:
                self.bits += 1
            elif used < room:
                break

    def _room(self) -> int:
        """How many codes have the present width, which holds until the table outgrows it."""
        if self.bits == self.max_bits:
            return _CHUNK
        # Every code but the first, which has none before it, adds an entry.
        return (1 << self.bits) - len(self.table) + (not self.previous)

    def _decode(self, codes: list[int]) -> list[bytes]:
        """The strings of `codes`, of which all but the first enter the table until it is full."""
        if len(self.table) == 1 << self.max_bits:
            strings = [self.table[code] for code in codes]
            # Before they are joined: each may be as long as the table.
            self._count(sum(map(len, strings)))
        else:
            strings = [self._enter(code) for code in codes]
        self.previous = strings[-1] if strings else self.previous
        return strings

    def _enter(self, code: int) -> bytes:
        table, previous = self.table, self.previous
        if code < len(table):
            string = table[code]
        elif code == len(table) and previous:  # the very string that is entered now
            string = previous + previous[:1]
        else:
            raise ValueError(f"is damaged: code {code} occurs before it is defined")
        if previous and len(table) < 1 << self.max_bits:
            table.append(previous + string[:1])
        self.previous = string
        self._count(len(string))
        return string

    def _count(self, size: int) -> None:
        self.size += size
        if self.size > self.limit:
            raise ValueError(f"is larger than {self.limit:,} bytes when decompressed")


def _unpack(data: bytes, position: int, bits: int, count: int) -> NDArray[np.integer[Any]]:
    """Up to `count` whole codes of `bits` bits, from byte `position` on."""
    count = min(count, (len(data) - position) * 8 // bits)
    if bits == 16:
        return np.frombuffer(data, "<u2", count, position)
    packed = np.frombuffer(data, np.uint8, -(-count * bits // 8), position)
    unpacked = np.unpackbits(packed, count=count * bits, bitorder="little")
    return unpacked.reshape(count, bits) @ (1 << np.arange(bits))
