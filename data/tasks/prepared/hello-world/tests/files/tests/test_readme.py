from pathlib import Path

README = Path(__file__).parents[1] / "README.md"


def test_ends_with_hello_world():
    lines = README.read_text().rstrip().splitlines()
    assert lines[-1] == "hello world"


def test_keeps_what_it_said():
    text = README.read_text()
    assert text.startswith("# greet\n")
    assert "Run the tests with `pytest`." in text
