"""The server under load and under attack, and the live page with a camera.

    OMP_NUM_THREADS=1 python -m benchmarks.server [--seconds 30] [--json FILE]

``facslens serve`` runs as a process of its own. First 200 requests a second for some seconds, then
1,000 hostile ones, then a real Chromium whose camera films drawn faces. Memory is that of the
server's process, after a first picture was read.
"""

import argparse
import http.client
import io
import os
import random
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks.ratios import Row, show
from facslens.server.limits import BODY

CALL = "import sys; from facslens.cli.main import main; sys.argv[0] = 'facslens'; main()"
RATE, CLIENTS = 200, 4
HOSTILE = 1000
FILES = ("/live/", "/live/live.js", "/live/live.css", "/live/drawn-0.webp")


@dataclass(frozen=True)
class Server:
    """A server that runs: its process and its port."""

    process: subprocess.Popen[str]
    port: int

    @property
    def memory(self) -> float:
        """Resident memory in MiB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.partition("VmRSS:")[2].split()[0]) / 1024

    @property
    def processor(self) -> float:
        """Seconds of the processor that its process has taken."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    @property
    def open_files(self) -> int:
        """How many files and connections its process holds."""
        return len([*Path(f"/proc/{self.process.pid}/fd").iterdir()])

    def send(self, head: bytes, body: bytes = b"") -> int:
        """Send anything on a connection of its own; give the status, or 0 without one."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=30) as connection:
            try:
                connection.sendall(head)
                connection.sendall(body)
            except OSError:
                pass  # it has answered, and reads no more
            try:
                answer = connection.recv(64)
            except OSError:
                return 0
        return int(answer.split(b" ")[1]) if answer.startswith(b"HTTP/1.1 ") else 0


class State:
    """What a server holds and has taken before something is asked of it."""

    def __init__(self, server: Server) -> None:
        self.server, self.memory, self.processor = server, server.memory, server.processor

    def row(self, what: str, errors: int, requests: int, said: str) -> Row:
        """Give one line of the table, with what came since."""
        taken = self.server.processor - self.processor
        return {
            "what": what, "said": said, "errors": errors, "CPU ms each": 1e3 * taken / requests,
            "MiB before": self.memory, "MiB after": self.server.memory,
            "open files": self.server.open_files,
        }  # fmt: skip


@contextmanager
def serving(folder: str) -> Iterator[Server]:
    """Run the command in an empty folder."""
    process = subprocess.Popen(
        [sys.executable, "-c", CALL, "serve", "--no-browser"],
        stdout=subprocess.PIPE, text=True, cwd=folder,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        yield Server(process, int(process.stdout.readline().rstrip("/\n").rpartition(":")[2]))
    finally:
        process.terminate()
        process.wait()


def request(server: Server, picture: bytes) -> bytes:
    """Give the head of a request that reads a picture."""
    lines = [
        "POST /live/faces HTTP/1.1", f"Host: 127.0.0.1:{server.port}",
        f"Origin: http://127.0.0.1:{server.port}", "Content-Type: image/webp",
        f"Content-Length: {len(picture)}", "", "",
    ]  # fmt: skip
    return "\r\n".join(lines).encode()


def load(server: Server, seconds: float) -> Row:
    """Ask for pages at a steady rate over a few connections that are kept."""
    times: list[float] = []
    wrong: list[object] = []
    begin = time.perf_counter() + 0.2

    def ask(client: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)
        for number in range(client, int(RATE * seconds), CLIENTS):
            due = begin + number / RATE
            time.sleep(max(0.0, due - time.perf_counter()))
            try:
                connection.request("GET", FILES[number % len(FILES)])
                response = connection.getresponse()
                response.read()
                if response.status != 200:
                    wrong.append(response.status)
            except (OSError, http.client.HTTPException) as error:
                wrong.append(error)
                connection.close()
            times.append(time.perf_counter() - due)

    before = State(server)
    threads = [threading.Thread(target=ask, args=[client]) for client in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = time.perf_counter() - begin
    middle, most = (1e3 * np.quantile(times, share) for share in (0.5, 0.99))
    said = f"median {middle:.1f} ms, 99 % within {most:.1f} ms"
    what = f"{len(times)} requests, {len(times) / took:.0f} a second"
    return before.row(what, len(wrong), len(times), said)


def attack(server: Server, folder: str) -> Row:
    """Send what no page would; all of it has to be refused, and nothing else may happen."""
    rng = random.Random(17)
    own = f"Host: 127.0.0.1:{server.port}\r\n"
    origin = f"Origin: http://127.0.0.1:{server.port}\r\n"
    post = f"POST /live/faces HTTP/1.1\r\n{own}{origin}Content-Type: image/png\r\n"

    def get(path: str, headers: str = own) -> tuple[bytes, bytes]:
        return f"GET {path} HTTP/1.1\r\n{headers}\r\n".encode("latin-1"), b""

    def picture(content: bytes) -> tuple[bytes, bytes]:
        return f"{post}Content-Length: {len(content)}\r\n\r\n".encode(), content

    def path() -> tuple[bytes, bytes]:
        up = rng.choice(["../", "..%2f", "%2e%2e/", "..\\", "....//", "%252e%252e/", "..;/"])
        end = rng.choice(
            ["etc/passwd", "pyproject.toml", "proc/self/environ", "app.py", "%00", "~"]
        )
        return get(
            rng.choice(["/", "/live/", "//", "/live/live.html/"]) + up * rng.randint(1, 9) + end
        )

    def name() -> tuple[bytes, bytes]:
        stranger = rng.choice(
            ["evil.example", "localhost.evil.example", "10.1.2.3", "[::2]:80", ""]
        )
        return get(rng.choice(FILES), f"Host: {stranger}\r\n")

    def other() -> tuple[bytes, bytes]:
        line = rng.choice(["null", "http://evil.example", "https://localhost"])
        head = f"POST /live/faces HTTP/1.1\r\n{own}Origin: {line}\r\nContent-Length: 1\r\n\r\nx"
        return head.encode(), b""

    def header() -> tuple[bytes, bytes]:
        bad = rng.choice(
            ["A" * 99_000 + ": x", "A: " + "b" * 99_000, "no colon", "A\x00: b", ": x"]
        )
        return get("/live/", f"{own}{bad}\r\n")

    def noise() -> tuple[bytes, bytes]:
        return rng.randbytes(rng.randint(1, 2000)) + b"\r\n\r\n", b""

    def bomb() -> tuple[bytes, bytes]:
        side = rng.choice([30_000, 60_000, 2**31 - 1])
        parts = [(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)),
                 (b"IDAT", zlib.compress(bytes(1 << 20), 9)), (b"IEND", b"")]  # fmt: skip
        chunks = [
            struct.pack(">I", len(c)) + k + c + struct.pack(">I", zlib.crc32(k + c))
            for k, c in parts
        ]
        return picture(b"\x89PNG\r\n\x1a\n" + b"".join(chunks))

    def damaged() -> tuple[bytes, bytes]:
        whole = bytearray(drawn(rng.randrange(4)))
        return picture(bytes(whole[: rng.randint(0, len(whole) // 2)]))

    def large() -> tuple[bytes, bytes]:
        return (
            f"{post}Content-Length: {rng.randint(BODY + 1, 10**18)}\r\n\r\n".encode(),
            b"x" * 1000,
        )

    def packed() -> tuple[bytes, bytes]:
        content = zlib.compress(bytes(10_000_000), 9)
        head = f"{post}Content-Encoding: deflate\r\nContent-Length: {len(content)}\r\n\r\n"
        return head.encode(), content

    def method() -> tuple[bytes, bytes]:
        verb = rng.choice(["PUT", "DELETE", "TRACE", "PATCH", "CONNECT", "PROPFIND"])
        return f"{verb} /live/ HTTP/1.1\r\n{own}{origin}\r\n".encode(), b""

    kinds: Sequence[Callable[[], tuple[bytes, bytes]]] = (
        path, name, other, header, noise, bomb, damaged, large, packed, method,
    )  # fmt: skip
    before = State(server)
    found: Counter[int] = Counter()
    for number in range(HOSTILE):
        found[server.send(*kinds[number % len(kinds)]())] += 1
    wrong = sum(count for status, count in found.items() if not 400 <= status < 500)
    happened = [] if server.process.poll() is None else ["the server has ended"]
    happened += [f"it wrote {one.name}" for one in Path(folder).iterdir()]
    said = ", ".join(f"{status}: {count}" for status, count in sorted(found.items()))
    return before.row(f"{HOSTILE} hostile requests", wrong, HOSTILE, "; ".join([said, *happened]))


def filmed(server: Server, seconds: float) -> list[Row]:
    """Let a browser's camera film drawn faces, and count the pictures that are read."""
    from playwright.sync_api import sync_playwright

    path = shutil.which("chromium") or shutil.which("google-chrome")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        film = Path(folder) / "faces.mjpeg"
        with film.open("wb") as file:
            for number in range(120):
                face = Image.open(io.BytesIO(drawn(number // 30))).convert("RGB")
                face.save(file, "JPEG", quality=90)
        browser = playwright.chromium.launch(
            executable_path=path,
            args=["--no-sandbox", "--use-fake-ui-for-media-stream",
                  "--use-fake-device-for-media-stream",
                  f"--use-file-for-fake-video-capture={film}"],
        )  # fmt: skip
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.goto(f"http://127.0.0.1:{server.port}/live/")
        page.wait_for_selector("#frame[data-faces='1']")
        page.click("#camera")
        page.wait_for_selector("#speed[data-rate]")
        before, rates = State(server), []
        for _ in range(int(seconds)):
            page.wait_for_timeout(1000)
            rates.append(float(page.get_attribute("#speed", "data-rate") or 0))
        wrong = 0 if page.is_hidden("#message") else 1
        browser.close()
    said = f"{np.median(rates):.1f} pictures a second, the slowest second {min(rates):.1f}"
    what = f"a camera of 640×480 in Chromium for {seconds:.0f} s"
    return [before.row(what, wrong, round(sum(rates)), said)]


def drawn(number: int) -> bytes:
    """Give one of the drawn faces that come with the live page."""
    return (files("facslens.server") / "pages" / f"drawn-{number}.webp").read_bytes()


def main() -> None:
    """Measure in turn and show."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--json", type=Path)
    choices = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, serving(folder) as server:
        for _ in range(20):
            assert server.send(request(server, drawn(0)), drawn(0)) == 200
        rows = [load(server, choices.seconds), attack(server, folder)]
        rows += filmed(server, choices.seconds)
    show(rows, choices.json)


if __name__ == "__main__":
    main()
