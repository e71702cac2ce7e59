"""Reading prototypes: tree files and ONNX graphs as data, everything that is code in a limited child process."""

from __future__ import annotations

from lineside.adapters.prototypes.reading import ReadOptions, file_of, read_prototype

__all__ = ["ReadOptions", "file_of", "read_prototype"]
