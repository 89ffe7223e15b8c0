"""The losses of an export."""

from oneshot_proxy.exports.contract import Losses


def test_a_loss_is_named_once() -> None:
    losses = Losses()
    for words in ("a", "b", "a"):
        losses.add(words)
    assert losses.sentences == ["a", "b"]
