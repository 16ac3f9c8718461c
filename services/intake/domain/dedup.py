"""Dedup keys: what makes two triggers of one integration the same thing."""

import hashlib
from collections.abc import Mapping, Sequence

KEY_LIMIT = 255
"""Characters that a dedup key may have: as many as PagerDuty's."""


def hash_of_labels(labels: Mapping[str, str]) -> str:
    """A key that is the same for the same labels, in whatever order they came."""
    digest = hashlib.sha256()
    for name in sorted(labels):
        digest.update(name.encode("utf-8", "replace") + b"\xff" + labels[name].encode("utf-8", "replace") + b"\xff")
    return f"labels-{digest.hexdigest()[:32]}"


def hash_of_words(prefix: str, words: Sequence[str]) -> str:
    """A key made of what a sender says where it names no key of its own."""
    joined = "\xff".join(word.strip().lower() for word in words)
    return f"{prefix}-{hashlib.sha256(joined.encode('utf-8', 'replace')).hexdigest()[:32]}"


def bounded(key: str) -> str:
    """``key``, or a hash of it where it is longer than a key may be."""
    if len(key) <= KEY_LIMIT:
        return key
    return f"sha256-{hashlib.sha256(key.encode('utf-8', 'replace')).hexdigest()}"
