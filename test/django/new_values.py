"""The new values of an object: something that is done in Python because it cannot be said in SQL."""

import hashlib
import zlib


def new_values(obj):
    field1 = zlib.crc32(obj.field2.encode()) // 2
    field2 = hashlib.blake2s(f"{obj.field2}\t{obj.field1}".encode()).hexdigest() + "\t\\N\n"
    field3 = None if obj.id % 7 == 0 else (obj.field1 * 3 + field1) % 1000
    return field1, field2, field3
