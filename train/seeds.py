"""Seeds: one for every purpose, so that nothing random depends on what was drawn before it."""

import hashlib


def seed_for(seed: int, *purpose: object) -> int:
    """A 63-bit seed for one purpose, such as ("noise", step): independent of every other."""
    text = ":".join(str(part) for part in (seed, *purpose))
    digest = hashlib.blake2b(text.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1
