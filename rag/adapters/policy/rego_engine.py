"""Loads the Rego engine safely. The one place that imports `regopy`; called by its neighbours.

regopy 1.5.2 brings its own `operator new` (snmalloc). If its library is the first to pull in libstdc++, libstdc++ takes
its memory from there, and whoever is loaded next and shares libstdc++ (torch) dies of a double free. Loading libstdc++
by itself first ties it to the C library's allocator.
"""

from __future__ import annotations

import contextlib
import ctypes

with contextlib.suppress(OSError):  # only Linux has it under this name, and only there it matters
    ctypes.CDLL("libstdc++.so.6")

from regopy import Bundle, Input, Interpreter, LogLevel, RegoError

__all__ = ["Bundle", "Input", "Interpreter", "LogLevel", "RegoError"]
