"""Exchanges as bytes and back."""

from hypothesis import given
from hypothesis import strategies as st

from serve.exchanges import Exchange, pack, unpacked

exchanges = st.builds(Exchange, st.binary(), st.binary(), st.floats(allow_nan=False))


@given(st.lists(exchanges))
def test_what_was_packed_comes_back(given_):
    content = bytearray()
    for one in given_:
        pack(one, content)

    assert [*unpacked(bytes(content))] == given_
