"""The key that a server signs its images with: Ed25519, in a file of its own."""

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

from curation.failures.errors import UsageError
from curation.networks import weights
from curation.storage import write_bytes

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import (
        Ed25519PrivateKey,
        Ed25519PublicKey,
    )

ADVICE = "pip install 'inkstone[serve]'"


def usual() -> Path:
    """Where the key of this user lies."""
    base = os.environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    return Path(base) / "inkstone" / "signing-key.pem"


def made(path: Path) -> "Ed25519PrivateKey":
    """The private key at ``path``; a new one, which its owner alone may read, where none is.

    Raises ``UsageError``, ``MissingModelError``, ``OSError``.
    """
    weights.need(ADVICE, "cryptography")
    from cryptography.hazmat.primitives import serialization as form
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    if not path.exists():
        key = Ed25519PrivateKey.generate()
        plain = form.NoEncryption()
        data = key.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, plain)
        path.parent.mkdir(parents=True, exist_ok=True)
        before = os.umask(0o077)
        try:
            write_bytes(str(path), data)
        finally:
            os.umask(before)
        return key
    loaded = _loaded(path)
    if not isinstance(loaded, Ed25519PrivateKey):
        raise UsageError(f"{path}: expected the private key of a server, in PEM")
    return loaded


def public(path: Path) -> "Ed25519PublicKey":
    """The public key at ``path``, or that of the private key there. Raises ``UsageError``."""
    weights.need(ADVICE, "cryptography")
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    loaded = _loaded(path)
    return loaded if isinstance(loaded, Ed25519PublicKey) else loaded.public_key()


def pem(key: "Ed25519PublicKey") -> str:
    """The public key as text, for those who verify."""
    from cryptography.hazmat.primitives import serialization as form

    data = key.public_bytes(form.Encoding.PEM, form.PublicFormat.SubjectPublicKeyInfo)
    return data.decode("ascii")


def name(key: "Ed25519PublicKey") -> str:
    """16 hexadecimal digits that tell keys apart."""
    return hashlib.sha256(key.public_bytes_raw()).hexdigest()[:16]


def _loaded(path: Path) -> "Ed25519PrivateKey | Ed25519PublicKey":
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization as form
    from cryptography.hazmat.primitives.asymmetric.ed25519 import (
        Ed25519PrivateKey,
        Ed25519PublicKey,
    )

    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise UsageError(f"{path}: no key here; a server makes its own when it starts") from error
    try:
        if b"PRIVATE" in data:
            key: object = form.load_pem_private_key(data, None)
        else:
            key = form.load_pem_public_key(data)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise UsageError(f"{path}: not a readable key ({error}); expected Ed25519, PEM") from error
    if not isinstance(key, Ed25519PrivateKey | Ed25519PublicKey):
        raise UsageError(f"{path}: expected a key of Ed25519")
    return key
