"""A name server with one name that is two addresses of this machine, to balance load over."""

import socket
import struct
import threading
from typing import Self

NAME = "two.test"
ADDRESSES = ("127.0.0.1", "127.0.0.2")
_A, _IN = 1, 1
_FLAGS = 0x8580  # an answer, with authority, of a server that recurses
_TTL_S = 5


def answer(query: bytes) -> bytes:
    """The addresses for a question of type A, nothing for any other (RFC 1035, section 4)."""
    end = query.index(b"\0", 12) + 1
    question = query[12 : end + 4]
    kind, _ = struct.unpack("!HH", question[-4:])
    addresses = ADDRESSES if kind == _A else ()
    head = query[:2] + struct.pack("!HHHHH", _FLAGS, 1, len(addresses), 0, 0)
    records = b"".join(
        b"\xc0\x0c" + struct.pack("!HHIH", _A, _IN, _TTL_S, 4) + socket.inet_aton(address)
        for address in addresses
    )
    return head + question + records


class Names:
    """Answers over UDP on a thread of its own, whatever the name."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self.port = 0

    def __enter__(self) -> Self:
        self._socket.bind(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
            last.sendto(b"", ("127.0.0.1", self.port))
        self._thread.join()
        self._socket.close()

    def _serve(self) -> None:
        while True:
            query, caller = self._socket.recvfrom(512)
            if not query:
                return
            self._socket.sendto(answer(query), caller)
