"""Request headers: any HPACK decoder reads them, and the second call of a kind is short."""

from dataclasses import replace

import hpack
import pytest

from stubtail_bench.door import Door
from stubtail_bench.headers import HeaderTable, request_headers
from stubtail_bench.traffic import Kind

INFER = request_headers("/inference.GRPCInferenceService/ModelInfer", [("grpc-timeout", "50000u")])
SCORE = request_headers("/stubtail.v1.ScoringService/Score")


def decoded(decoder: hpack.Decoder, block: bytes) -> list[tuple[str, str]]:
    """The headers of a block."""
    return [(str(name), str(value)) for name, value in decoder.decode(block)]


def test_kinds_in_any_order_are_read_as_they_were_meant():
    """Indexes follow the table as it grows under calls of several kinds."""
    table, decoder = HeaderTable(), hpack.Decoder()
    for headers in (INFER, SCORE, INFER, SCORE, SCORE, INFER):
        found = decoded(decoder, table.encode(headers))
        assert found == list(headers)
        assert found[:2] == [(":method", "POST"), (":scheme", "http")]


def test_the_second_call_names_everything_by_its_index():
    """One byte a header, as real clients send it."""
    table = HeaderTable()
    first = table.encode(INFER)
    assert len(first) > 100
    assert len(table.encode(INFER)) == len(INFER)


def test_what_the_table_has_no_room_for_is_written_out():
    """Hundreds of kinds never push others out of the peer's table."""
    table, decoder = HeaderTable(), hpack.Decoder()
    kinds = [request_headers(f"/some.Service/Method{number}") for number in range(100)]
    for headers in (*kinds, *kinds):
        assert decoded(decoder, table.encode(headers)) == list(headers)
    assert table.changes < 80


@pytest.mark.parametrize("size", [1, 126, 127, 128, 300, 900, 4_000, 8_000])
def test_long_values_are_encoded(size: int):
    """Beyond the seven bits of a length too."""
    headers = request_headers("/s/m", [("x-tenant", "t" * size)])
    assert decoded(hpack.Decoder(), HeaderTable().encode(headers))[-1] == ("x-tenant", "t" * size)


@pytest.mark.parametrize("table_bytes", [1_024, 2_048, 65_536])
def test_a_peer_with_another_table_is_told_what_of_it_is_used(table_bytes: int):
    """A smaller one must be (RFC 7541, 4.2): strict peers end the connection otherwise."""
    table, decoder = HeaderTable(), hpack.Decoder()
    decoder.max_allowed_table_size = table_bytes
    for headers in (INFER, SCORE, INFER):
        assert decoded(decoder, table.encode(headers, table_bytes)) == list(headers)


def test_a_peer_may_change_its_table_while_calls_are_made():
    """What it has forgotten is spelled out again; a smaller one is cut to nothing first."""
    table, decoder = HeaderTable(), hpack.Decoder()
    kinds = [request_headers(f"/some.Service/Method{number}") for number in range(100)]
    for table_bytes in (4_096, 1_024, 2_048, 1_024):
        decoder.max_allowed_table_size = table_bytes
        for headers in (*kinds, *kinds):
            assert decoded(decoder, table.encode(headers, table_bytes)) == list(headers)
        assert decoder.header_table.maxsize == table_bytes


def test_a_call_names_the_server_that_was_named():
    """Gateways choose by it; grpc-timeout has eight digits at most, as strict peers want it."""
    kind = Kind("any", "/s/m", [b""], [1], deadline_s=99.999999)
    found = dict(kind.headers(Door(authority="models.example:443")))
    assert found[":authority"] == "models.example:443"
    assert found["grpc-timeout"] == "99999999u"
    assert dict(replace(kind, deadline_s=86_400.0).headers())["grpc-timeout"] == "86400000m"
