"""The least of the remoting protocol: ask a server one thing in JSON and read its answer. For readiness and for hand-made frames."""
import itertools
import json
import socket
import struct

_opaque = itertools.count(1)


def frame(code, ext=None, body=b"", version=407, flag=0, opaque=None, language="JAVA"):
    header = json.dumps({"code": code, "language": language, "version": version, "opaque": opaque or next(_opaque), "flag": flag,
                         "serializeTypeCurrentRPC": "JSON", "extFields": ext or {}}).encode()
    return struct.pack(">II", 4 + len(header) + len(body), len(header)) + header + body


def _exactly(sock, count):
    data = b""
    while len(data) < count:
        piece = sock.recv(count - len(data))
        if not piece:
            raise ConnectionError(f"closed after {len(data)} of {count} bytes")
        data += piece
    return data


class Connection:
    def __init__(self, port, timeout=5.0, host="127.0.0.1"):
        self.sock = socket.create_connection((host, port), timeout)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.sock.close()

    def send(self, data):
        self.sock.sendall(data)

    def receive(self):
        """(header, body) of the next frame; header is a dict."""
        length, = struct.unpack(">I", _exactly(self.sock, 4))
        data = _exactly(self.sock, length)
        head, = struct.unpack(">I", data[:4])
        if head >> 24 == 1:                             # some answer in their own serialization: the fixed part of the binary header
            code, language, version, opaque, flag = struct.unpack(">hBhii", data[4:17])
            return {"code": code, "language": language, "version": version, "opaque": opaque, "flag": flag}, data[4 + (head & 0xffffff):]
        return json.loads(data[4:4 + head]), data[4 + head:]

    def call(self, code, ext=None, body=b"", **more):
        self.send(frame(code, ext, body, **more))
        while True:
            header, answer = self.receive()
            if header["flag"] & 1:
                return header, answer


def call(port, code, ext=None, body=b"", timeout=5.0, **more):
    with Connection(port, timeout) as connection:
        return connection.call(code, ext, body, **more)
