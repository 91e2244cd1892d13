"""A client that speaks PostgreSQL's frontend/backend protocol message by message.

libpq (psycopg2) connects and authenticates; from then on this class reads and writes the connection's socket itself.
A row is a tuple of strings (bytes after a Bind for binary results), None for null. Whatever the server sends is collected in replies; see read_until().
"""

import os
import socket
import struct

import psycopg2

TIMEOUT = 60


class Reply:
    """What the server sent, up to and including a certain message."""

    def __init__(self):
        self.messages = []  # types of the messages, one letter each, in order
        self.rows = []
        self.tags = []  # of CommandComplete
        self.columns = None  # of the last RowDescription: (name, type oid, format)
        self.parameters = None  # of the last ParameterDescription: type oids
        self.error = None  # fields of the first ErrorResponse by their letter
        self.status = None  # of ReadyForQuery: I, T or E

    @property
    def sqlstate(self):
        return self.error and self.error["C"]

    @property
    def message(self):
        return self.error and self.error["M"]

    @property
    def context(self):
        return self.error and self.error.get("W", "")


def zero_terminated(text):
    return text.encode() + b"\0"


class Wire:
    def __init__(self):
        # libpq must not change the bytes of the stream: no TLS, no GSSAPI encryption.
        self.connection = psycopg2.connect("", sslmode="disable", gssencmode="disable")
        self.connection.autocommit = True
        self.pid = self.connection.get_backend_pid()
        self.socket = socket.socket(fileno=os.dup(self.connection.fileno()))
        self.socket.settimeout(TIMEOUT)
        self.pending = b""
        self.binary = False  # the description of the rows that follow

    def close(self):
        """End the session, with Terminate."""
        self.socket.close()
        self.connection.close()

    def cut(self):
        """End the connection without a message."""
        self.socket.shutdown(socket.SHUT_RDWR)
        self.close()

    def cancel(self):
        """Ask the server, over another connection, to cancel the statement of this one."""
        self.connection.cancel()

    # Messages to the server. Nothing is sent before send(), flush() or sync().

    def put(self, kind, body=b""):
        self.pending += kind + struct.pack("!i", len(body) + 4) + body
        return self

    def parse(self, sql, statement=""):
        return self.put(b"P", zero_terminated(statement) + zero_terminated(sql) + struct.pack("!h", 0))

    def bind(self, portal="", statement="", values=(), binary=False):
        body = zero_terminated(portal) + zero_terminated(statement) + struct.pack("!hh", 0, len(values))
        self.binary = binary
        for value in values:
            if value is None:
                body += struct.pack("!i", -1)
            else:
                body += struct.pack("!i", len(value.encode())) + value.encode()
        return self.put(b"B", body + struct.pack("!hh", 1, int(binary)))

    def describe_portal(self, portal=""):
        return self.put(b"D", b"P" + zero_terminated(portal))

    def describe_statement(self, statement=""):
        return self.put(b"D", b"S" + zero_terminated(statement))

    def execute(self, portal="", max_rows=0):
        return self.put(b"E", zero_terminated(portal) + struct.pack("!i", max_rows))

    def close_portal(self, portal=""):
        return self.put(b"C", b"P" + zero_terminated(portal))

    def send(self):
        self.socket.sendall(self.pending)
        self.pending = b""

    def sync(self):
        """Send all with a Sync and read up to ReadyForQuery."""
        self.put(b"S").send()
        return self.read_until("Z")

    def flush(self, last):
        """Send all with a Flush and read up to a message of type last, or an ErrorResponse."""
        self.put(b"H").send()
        return self.read_until(last, "E")

    def query(self, sql):
        """A simple query."""
        self.put(b"Q", zero_terminated(sql)).send()
        return self.read_until("Z")

    def bind_query(self, portal, sql, values=()):
        """A portal for sql, with a statement that is not needed any longer."""
        return self.parse(sql).bind(portal, values=values)

    def run(self, sql, values=(), portal="", max_rows=0):
        """Parse, Bind and Execute of one statement, with a Sync."""
        return self.bind_query(portal, sql, values).execute(portal, max_rows).sync()

    # Messages from the server.

    def read_exactly(self, n):
        data = b""
        while len(data) < n:
            part = self.socket.recv(n - len(data))
            if not part:
                raise ConnectionError("the server closed the connection")
            data += part
        return data

    def read_until(self, *last):
        reply = Reply()
        while True:
            kind = self.read_exactly(1).decode()
            (length,) = struct.unpack("!i", self.read_exactly(4))
            self.collect(reply, kind, self.read_exactly(length - 4))
            if kind in last:
                return reply

    def collect(self, reply, kind, body):
        if kind in "NSA":  # notices, parameters and notifications may come at any time
            return
        reply.messages.append(kind)
        if kind == "D":
            reply.rows.append(row_of(body, self.binary))
        elif kind == "T":
            reply.columns = columns_of(body)
        elif kind == "t":
            reply.parameters = struct.unpack("!%dI" % struct.unpack("!h", body[:2]), body[2:])
        elif kind == "C":
            reply.tags.append(body[:-1].decode())
        elif kind == "E" and reply.error is None:
            reply.error = {field[:1].decode(): field[1:].decode() for field in body.split(b"\0") if field}
        elif kind == "Z":
            reply.status = body.decode()


def row_of(body, binary):
    (n,) = struct.unpack("!h", body[:2])
    values, at = [], 2
    for _ in range(n):
        (length,) = struct.unpack("!i", body[at:at + 4])
        at += 4
        if length < 0:
            values.append(None)
            continue
        values.append(body[at:at + length] if binary else body[at:at + length].decode())
        at += length
    return tuple(values)


def columns_of(body):
    (n,) = struct.unpack("!h", body[:2])
    columns, at = [], 2
    for _ in range(n):
        end = body.index(b"\0", at)
        name = body[at:end].decode()
        _, _, oid, _, _, form = struct.unpack("!IhIhih", body[end + 1:end + 19])
        columns.append((name, oid, form))
        at = end + 19
    return columns
