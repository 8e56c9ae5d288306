#!/usr/bin/python3
"""Serves one download of 500,000 bytes in half a second on 127.0.0.1, and ends. Prints its
port. When the process that started it is gone, it leaves too.
"""

import os
import socket
import time

PIECES, PIECE = 100, b"5000 bytes are sent at a time, and then a pause.\n" * 102


def accept(listener, parent):
    while os.getppid() == parent:
        try:
            return listener.accept()[0]
        except TimeoutError:
            pass
    raise SystemExit


def main():
    parent = os.getppid()
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(0.05)
    print(listener.getsockname()[1], flush=True)
    client = accept(listener, parent)
    listener.close()
    client.recv(65536)
    client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (PIECES * len(PIECE)))
    try:
        for _ in range(PIECES):
            client.sendall(PIECE)
            time.sleep(0.005)
    except OSError:
        pass  # the client has left


if __name__ == "__main__":
    main()
