"""One request: its head, its query and its body within bounds."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serve.errors import BodyTooLarge, InvalidQuery, WrongContentType
from serve.http import DRAIN_BYTES, REQUEST_ID, Answer, Gone, Request, whole

ALLOWED = {"explain": "a whole number from 1 to 50", "on_error": "fail or skip"}


class Connection:
    """The other side: sends these chunks, keeps what it gets."""

    def __init__(self, chunks=(), *, stays=True):
        self.left, self.got, self.read = [*chunks], [], 0
        self._stays = stays

    async def receive(self):
        if not self.left:
            if self._stays:
                await asyncio.Event().wait()
            return {"type": "http.disconnect"}
        chunk = self.left.pop(0)
        self.read += len(chunk)
        return {"type": "http.request", "body": chunk, "more_body": bool(self.left)}

    async def send(self, message):
        self.got.append(message)

    def request(self, query=b"", **headers):
        head = {name.replace("_", "-").encode(): value for name, value in headers.items()}
        return Request({"query_string": query}, self.receive, self.send, head, "the-id")


def _body(chunks, most=10, **headers):
    return asyncio.run(Connection(chunks).request(**headers).body(most))


# the body


@given(st.lists(st.binary(max_size=5), min_size=1, max_size=6))
def test_a_body_is_what_was_sent_in_however_many_pieces(chunks):
    assert _body(chunks, 30) == b"".join(chunks)


def test_a_body_may_be_as_long_as_allowed_and_no_longer():
    assert _body([b"12345", b"67890"]) == b"1234567890"
    with pytest.raises(BodyTooLarge, match="longer than 10 bytes"):
        _body([b"12345", b"678901"])


def test_a_body_that_is_announced_as_too_long_is_not_read():
    sender = Connection([b"x" * 11])

    with pytest.raises(BodyTooLarge, match="longer than 10 bytes"):
        asyncio.run(sender.request(content_length=b"11").body(10))
    assert sender.read == 0


def test_of_a_body_without_length_no_more_is_read_than_tells_that_it_is_too_long():
    sender = Connection([b"xxxxxx"] * 100)

    with pytest.raises(BodyTooLarge, match="longer than 10 bytes"):
        asyncio.run(sender.request(transfer_encoding=b"chunked").body(10))
    assert sender.read == 12


def test_who_goes_away_is_gone():
    sender = Connection([], stays=False)
    with pytest.raises(Gone, match=r"^$"):
        asyncio.run(sender.request().body(10))


# what it is said to be


@pytest.mark.parametrize(
    "said", [b"application/json", b"application/json; charset=utf-8", b" Application/JSON ;x"]
)
def test_json_is_taken(said):
    Connection().request(content_type=said).require_json()


@pytest.mark.parametrize(
    "said", [b"text/plain", b"", b"application/jsonp", b"multipart/form-data; x", b"\xff" * 500]
)
def test_anything_else_is_refused(said):
    with pytest.raises(WrongContentType, match="Send the header Content-Type: application/json"):
        Connection().request(content_type=said).require_json()


def test_no_content_type_is_refused():
    with pytest.raises(WrongContentType, match="There is no content type"):
        Connection().request().require_json()


# the query


def _query(raw):
    return Connection().request(raw).query(ALLOWED)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"", {}),
        (b"&", {}),
        (b"explain=3", {"explain": "3"}),
        (b"on_error=skip&explain=%33", {"explain": "3", "on_error": "skip"}),
        (b"explain=", {"explain": ""}),
    ],
)
def test_parameters_are_read(raw, expected):
    assert _query(raw) == expected


@pytest.mark.parametrize(
    ("raw", "field", "problem"),
    [
        (b"explian=3", "explian", "it is unknown"),
        (b"explain=3&explain=4", "explain", "it is given more than once"),
        (b"\xff=1", "", "it cannot be read"),
        (b"&".join([b"a=1"] * 30), "", "it cannot be read"),
        (b"x" * 500, "x" * 100, "it is unknown"),
    ],
)
def test_a_wrong_parameter_is_told(raw, field, problem):
    with pytest.raises(InvalidQuery, match=problem) as refused:
        _query(raw)
    assert refused.value.problems[0]["field"] == field


@given(st.binary(max_size=30))
def test_no_query_is_anything_but_read_or_refused(raw):
    try:
        found = _query(raw)
        assert found.keys() <= ALLOWED.keys()
    except InvalidQuery as error:
        assert Answer.json(error.body("id")).body


@pytest.mark.parametrize(("text", "expected"), [(None, 0), ("1", 1), ("50", 50), ("007", 7)])
def test_a_whole_number_is_read(text, expected):
    assert whole("explain", text, 50) == expected


@pytest.mark.parametrize("text", ["", "0", "51", "-1", "1.0", "٣", " 3", "3\n", "1_0", "9" * 5000])
def test_what_is_no_whole_number_is_refused(text):
    with pytest.raises(InvalidQuery, match="The query parameter 'explain' cannot be used"):
        whole("explain", text, 50)


# the answer


def test_an_answer_carries_its_length_type_and_the_requests_id():
    sender = Connection()

    asyncio.run(sender.request().answer(Answer(429, b"{}", headers=(("retry-after", "1"),))))

    start, body = sender.got
    assert (start["status"], body["body"], body["more_body"]) == (429, b"{}", False)
    assert dict(start["headers"]) == {
        b"content-type": b"application/json",
        b"content-length": b"2",
        b"x-request-id": b"the-id",
        b"retry-after": b"1",
    }


def _refused_as_too_large(chunks, **headers):
    sender = Connection(chunks, stays=False)
    asyncio.run(sender.request(**headers).answer(Answer(413, b"{}")))
    assert [one.get("more_body") for one in sender.got] == [None, True, False]
    assert sender.got[1]["body"] == b"{}"
    return sender


def test_of_a_body_too_large_a_little_more_is_read_so_that_the_answer_arrives():
    assert _refused_as_too_large([b"x" * 1000] * 5).read == 5000
    endless = _refused_as_too_large([b"x" * 100_000] * 100)
    assert DRAIN_BYTES <= endless.read < DRAIN_BYTES + 100_001


def test_who_waits_for_a_word_before_the_body_is_not_waited_for():
    assert _refused_as_too_large([b"x"] * 5, expect=b"100-continue").read == 0


@pytest.mark.parametrize("given_", [b"a", b"crm:2024-01-01/7+b=@x._", b"a" * 128])
def test_a_request_may_bring_its_id(given_):
    assert REQUEST_ID.fullmatch(given_)


@pytest.mark.parametrize("given_", [b"", b"a b", b"a\nb", b'"', b"\xff", b"a" * 129, b"a\n"])
def test_an_id_that_could_break_a_log_is_not_taken(given_):
    assert not REQUEST_ID.fullmatch(given_)
