"""One open session."""

from oneshot_proxy.outcome import Outcome
from oneshot_proxy.session import Limits, Session, Spec, token_digest
from oneshot_proxy.usage import Usage
from oneshot_shared.providers import PROVIDERS, Upstream


def made(**limits: float) -> Session:
    upstream = Upstream(PROVIDERS["openai"], "http://127.0.0.1:9/v1", "sk-canary-123")
    return Session(Spec("run-1", "gpt-5", "openai", limits=Limits(**limits)), upstream, None, price_known=True)  # type: ignore[arg-type]


def test_tokens_are_random_and_name_their_session() -> None:
    left, right = made().token, made().token
    assert left != right
    assert left.startswith("osb.run-1.")
    assert len(left) - len("osb.run-1.") >= 43
    assert token_digest(left) != token_digest(right)


def test_no_limit_is_never_reached() -> None:
    session = made()
    session.usage += Usage(10**12, cost_usd=1e9)
    assert session.exceeded() == ""


def test_a_limit_is_reached_when_it_is_met() -> None:
    session = made(tokens=50_000)
    session.usage += Usage(49_999)
    assert session.exceeded() == ""
    session.usage += Usage(0, 0, 1_235)
    assert session.exceeded() == "token limit 50000 reached (51234)"


def test_calls_are_priced_by_the_table() -> None:
    assert (made().price(Usage(1000, 0, 1000)).cost_usd or 0) > 0


def test_a_success_makes_an_earlier_failure_good() -> None:
    session = made()
    session.settle(500, Outcome(), "openai answered 500")
    assert session.record().upstream_failure == "openai answered 500"
    session.settle(400, Outcome(), "")
    assert session.upstream_failure
    session.settle(200, Outcome(finished=True), "")
    assert (session.upstream_failure, session.calls_succeeded) == ("", 1)


def test_the_record_shows_no_key_and_no_token() -> None:
    session = made(wall_seconds=60)
    record = session.record()
    assert record.expires_at == record.opened_at + 60
    assert session.token not in str(record)
    assert "canary" not in str(record)


def test_the_last_credentials_are_remembered() -> None:
    session = made()
    for number in range(300):
        session.learn(f"a-credential-{number}")
    before = session.learned
    session.learn("a-credential-299")
    assert session.learned is before  # what is known already does not have a record cleaned again
    assert len(session.learned) == 256
    assert session.learned[-1] == b"a-credential-299"
