"""Compressed bodies: read within a limit, refused with a sentence otherwise."""

import gzip
import json
import zlib

import pytest

from services.intake.domain.packing import UNPACKED_LIMIT, CannotUnpack, unpacked
from services.intake.sources.registry import all_sources
from tests.unit.intake.support import read

TEXT = b'{"alerts": []}'


def gzipped(text: bytes) -> bytes:
    """Without the time, so that a test has the same name in every process that collects it."""
    return gzip.compress(text, mtime=0)


def raw_deflate(text: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(text) + packer.flush()


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("", TEXT),
        ("identity", TEXT),
        ("UTF-8", TEXT),
        ("gzip", TEXT),
        ("gzip", gzipped(TEXT)),
        ("X-GZIP", gzipped(TEXT)),
        ("gzip", gzipped(TEXT[:5]) + gzipped(TEXT[5:])),
        ("deflate", zlib.compress(TEXT)),
        ("deflate", raw_deflate(TEXT)),
        ("deflate, gzip", gzipped(zlib.compress(TEXT))),
    ],
)
def test_a_compressed_body_is_unpacked(encoding: str, body: bytes) -> None:
    assert unpacked(encoding, body) == TEXT


@pytest.mark.parametrize(
    ("encoding", "body", "said"),
    [
        ("br", b"x", "encoded as br"),
        ("gzip", b"a=1", "says that it is gzip"),
        ("gzip", gzipped(TEXT)[:-9], "ends in the middle"),
        ("gzip", gzipped(TEXT) + b"more", "says that it is gzip"),
        ("deflate", b"\xff\xff\xff", "says that it is deflate"),
        ("gzip, gzip, gzip", b"x", "3 times over"),
    ],
)
def test_what_is_not_compressed_as_it_says_is_told_so(encoding: str, body: bytes, said: str) -> None:
    with pytest.raises(CannotUnpack, match=said):
        unpacked(encoding, body)


@pytest.mark.parametrize("members", [1, 3])
def test_a_small_body_that_becomes_a_huge_one_is_refused_at_the_limit(members: int) -> None:
    bomb = gzipped(bytes(UNPACKED_LIMIT // members + 1)) * members
    assert len(bomb) < UNPACKED_LIMIT // 100
    with pytest.raises(CannotUnpack, match="more than 8388608 bytes"):
        unpacked("gzip", bomb)


def test_a_compressed_body_becomes_the_same_triggers() -> None:
    plain = json.dumps(all_sources()["alertmanager"].example).encode()
    packed = read("alertmanager", gzipped(plain), content_encoding="gzip")
    assert packed.triggers
    assert packed == read("alertmanager", plain)
