from pathlib import Path

README = Path(__file__).parents[1] / "README.md"
BEFORE = """\
# greet

A small library that greets people by name.

```python
from greet import farewell, greet

greet("Ada")           # 'Hello, Ada!'
greet("Ada", "Grace")  # 'Hello, Ada and Grace!'
farewell("Ada")        # 'Goodbye, Ada!'
```

Run the tests with `pytest`.
"""


def test_ends_with_hello_world():
    lines = README.read_text().rstrip().splitlines()
    assert lines[-1] == "hello world"


def test_keeps_what_it_said():
    assert README.read_text().startswith(BEFORE)
