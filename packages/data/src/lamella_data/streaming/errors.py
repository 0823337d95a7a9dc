"""The error of a shard that is not what its name says."""

from __future__ import annotations


class CorruptShardError(RuntimeError):
    """A shard is damaged: it ends too early, or holds what its format does not allow.

    Attributes:
        url: the shard.
        offset: the byte in it at which the damaged part begins.
    """

    def __init__(self, message: str, url: str | None = None, offset: int | None = None) -> None:
        super().__init__(message)
        self.url = url
        self.offset = offset


def corrupt(url: str, offset: int, reason: object) -> CorruptShardError:
    """The error for damage at ``offset`` of ``url``."""
    return CorruptShardError(f"corrupt shard {url} at byte {offset}: {reason}", url, offset)
