"""Bind an address, and serve on it until Ctrl-C."""

import errno
import ipaddress
import os
import secrets
import socket
import sys
import threading
import webbrowser
from dataclasses import dataclass
from typing import Final

import uvicorn

from facslens.errors import CallError
from facslens.server.app import Pages, application
from facslens.server.guard import MAX_HEADERS, Door
from facslens.server.limits import CONNECTIONS, END_IN, IDLE, THREADS, Impatient

#: Random bytes of a token.
_TOKEN: Final = 32


@dataclass(frozen=True)
class Bound:
    """A socket that listens, and the door that belongs to it.

    Parameters
    ----------
    socket
        It listens already, so that a browser that comes before the server waits.
    door
        Whom it lets in.
    address
        For people and browsers, with the token where one is needed.
    """

    socket: socket.socket
    door: Door
    address: str


def bind(host: str, port: int, *, token: bool = False) -> Bound:
    """Listen on an address of this machine.

    Parameters
    ----------
    host
        A name or address; one that others can reach always needs a token.
    port
        The port; 0 takes a free one.
    token
        Whether the loopback address needs a token, too: on a machine with several users.

    Raises
    ------
    CallError
        If this machine has no such address, or the port is taken.
    """
    if not 0 <= port < 1 << 16:
        raise CallError(f"port is {port}: expected 0 to 65535")
    try:
        family, _, _, _, place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except (OSError, UnicodeError) as error:
        raise CallError(f"host is {host!r}: expected a name or address of this machine") from error
    try:
        listening = socket.create_server(place[:2], family=family, backlog=CONNECTIONS)
    except OSError as error:
        if error.errno == errno.EADDRNOTAVAIL:
            raise CallError(f"host is {host!r}: this machine has no such address") from error
        taken = error.errno == errno.EADDRINUSE
        reason = "is taken" if taken else f"cannot be listened on ({error.strerror})"
        raise CallError(f"port is {port}, which {reason}: name another, or 0 for a free one") from (
            error
        )
    own, bound = listening.getsockname()[:2]
    found = ipaddress.ip_address(own.partition("%")[0])
    called = socket.gethostname() if found.is_unspecified else host
    called = f"[{called}]" if ":" in called else called
    names = {"localhost"} if found.is_loopback else {"localhost", called.lower()}
    secret = secrets.token_urlsafe(_TOKEN) if token or not found.is_loopback else None
    door = Door(frozenset(names), found.is_loopback, secret, f"facslens-{bound}")
    address = f"http://{called}:{bound}/" + (f"?token={secret}" if secret else "")
    return Bound(listening, door, address)


def server(bound: Bound, site: Pages | None) -> uvicorn.Server:
    """Make the server of an address; its ``run(sockets=[bound.socket])`` answers until it ends.

    Parameters
    ----------
    bound
        Where.
    site
        The pages of a run; None for the live page alone.
    """
    return uvicorn.Server(
        uvicorn.Config(
            application(bound.door, site),
            http=Impatient,
            ws="none",
            lifespan="on",
            log_config=None,
            log_level="critical",
            access_log=False,
            proxy_headers=False,
            server_header=False,
            h11_max_incomplete_event_size=MAX_HEADERS,
            limit_concurrency=CONNECTIONS,
            timeout_keep_alive=IDLE,
            timeout_graceful_shutdown=END_IN,
        )
    )


def serve(bound: Bound, site: Pages | None) -> bool:
    """Answer requests until Ctrl-C or SIGTERM; answers under way then have `END_IN` seconds.

    Returns
    -------
    bool
        Whether all threads have ended; one that reads a picture cannot be stopped.
    """
    try:
        server(bound, site).run(sockets=[bound.socket])
    except KeyboardInterrupt:  # the server has ended, and passes the signal on
        pass
    finally:
        bound.socket.close()
    threads = [one for one in threading.enumerate() if one.name.startswith(THREADS)]
    for one in threads:
        one.join(END_IN / 2)
    return not any(one.is_alive() for one in threads)


def browser() -> webbrowser.BaseBrowser | None:
    """Find a browser with windows on this machine; None where there is none, or nobody sits here.

    A browser that a login from elsewhere starts would open on the wrong screen, or in the terminal.
    """
    windows = sys.platform in ("win32", "darwin") or any(
        os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY")
    )
    if not windows or os.environ.get("SSH_CONNECTION"):
        return None
    try:
        return webbrowser.get()
    except webbrowser.Error:
        return None
