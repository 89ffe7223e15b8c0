import pytest

from courier import BadReply, Reply


def test_headers_are_found_in_any_case():
    reply = Reply(200, headers={"Content-Type": "text/plain"})
    assert reply.header("content-type") == reply.header("CONTENT-TYPE") == "text/plain"
    assert reply.header("etag") is None


def test_a_body_that_is_no_json_is_a_bad_reply():
    assert Reply(200, '{"id": 7}').json() == {"id": 7}
    with pytest.raises(BadReply, match="no JSON: '<html>'"):
        Reply(200, "<html>").json()
