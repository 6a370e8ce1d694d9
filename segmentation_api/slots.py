"""The slots in which images are computed, shared by all worker processes.

A pipe holds a token for each free slot: whoever reads one has the slot, and the kernel serves readers in their order,
whatever their process. The pipe is made before the workers are forked (backend/server/config.py imports this module),
so nothing is found by its path. Who has which slot is noted, so that the master can free those of a worker that died.
"""

import mmap
import os

from django.conf import settings

TOKEN_BYTES = 2


class SharedSlots:
    """`count` slots for the process that makes them and those it forks."""

    def __init__(self, count: int) -> None:
        self.count = count
        self._holders = memoryview(mmap.mmap(-1, 4 * count)).cast("I")
        """Process ids; 0 for a free slot."""
        self._read, self._write = os.pipe()
        for slot in range(count):
            self.give_back(slot)

    def take(self) -> int:
        """A slot, perhaps after waiting."""
        slot = int.from_bytes(os.read(self._read, TOKEN_BYTES), "big")
        self._holders[slot] = os.getpid()
        return slot

    def give_back(self, slot: int) -> None:
        """Free the slot; whoever has waited longest gets it."""
        self._holders[slot] = 0
        os.write(self._write, slot.to_bytes(TOKEN_BYTES, "big"))

    def give_back_all_of(self, process: int) -> None:
        """Free the slots of a process that has ended."""
        for slot, holder in enumerate(self._holders):
            if holder == process:
                self.give_back(slot)


shared_slots = SharedSlots(settings.INFERENCE_SLOTS)
