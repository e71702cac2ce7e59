"""AQDEF, the exchange format of Q-DAS for measured values (ASCII transfer format, .DFD with .DFX, or .DFQ).

A file describes parts (K1xxx) and their characteristics (K2xxx) and holds values (K0xxx), as K-fields or in the
compact form of a line per value set. `reading.AqdefReader` takes lines in and gives value sets out; `writing` is its
counterpart; `meaning` says what fields mean: attributes, times, numbers, limits. All of it is pure.
"""

from __future__ import annotations

from lineside.domain.aqdef.description import Characteristic, Description, Part
from lineside.domain.aqdef.reading import AqdefReader, ValueSet, sets_in
from lineside.domain.aqdef.writing import write

__all__ = ["AqdefReader", "Characteristic", "Description", "Part", "ValueSet", "sets_in", "write"]
