"""What a browser may do for a page of facslens."""

import base64
import hashlib


def policy(style: str, script: str) -> str:
    """Write what a browser may do for the page: its own style, script and pictures, no network.

    Only the given style sheet and script are allowed, by their hash. Styles of single elements
    are, too: they hold the colours of cells and can load nothing. Pictures lie beside the
    page, on the disk (``file:``) or where a server puts both (``'self'``).
    """
    return "; ".join(
        (
            "default-src 'none'",
            "img-src 'self' data: file:",
            "style-src 'unsafe-inline'",
            f"style-src-elem '{_hash(style)}'",
            f"script-src '{_hash(script)}'",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )


def _hash(text: str) -> str:
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
