import pytest

from courier import Client, Loopback, Reply, StatusError


def test_loopback_answers_from_functions():
    loopback = Loopback()

    @loopback.route("POST", "/jobs")
    def create(request):
        return Reply(201, f"queued {request.body}")

    client = Client(loopback)
    assert client.send("/jobs", "nightly").body == "queued nightly"
    with pytest.raises(StatusError, match="404"):
        client.fetch("/jobs")
