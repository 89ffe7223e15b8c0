from greet import farewell, greet


def test_nobody():
    assert greet() == "Hello, world!"


def test_one_name():
    assert greet("Ada") == "Hello, Ada!"


def test_many_names():
    assert greet("Ada", "Grace", "Edsger") == "Hello, Ada, Grace and Edsger!"


def test_farewell():
    assert farewell("Ada") == "Goodbye, Ada!"
