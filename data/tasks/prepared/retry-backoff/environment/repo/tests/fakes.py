"""A clock and a transport that do what a test tells them."""

from courier import Reply, TimedOut


class FakeClock:
    """Passes only when told to. `slept`: every sleep, in seconds."""

    def __init__(self):
        self.wall = 1_700_000_000.0
        self.steady = 50.0
        self.slept = []

    def time(self):
        return self.wall

    def monotonic(self):
        return self.steady

    def sleep(self, seconds):
        self.slept.append(seconds)
        self.advance(seconds)

    def advance(self, seconds):
        self.wall += seconds
        self.steady += seconds


class Scripted:
    """Gives the answers in turn: replies are returned, exceptions raised. Each takes `takes` seconds."""

    def __init__(self, clock, *answers, takes=0.0):
        self.clock = clock
        self.answers = list(answers)
        self.takes = takes
        self.requests = []
        self.timeouts = []

    def send(self, request, timeout):
        self.requests.append(request)
        self.timeouts.append(timeout)
        self.clock.advance(min(self.takes, timeout))
        assert self.answers, f"one request too many: {request}"
        answer = self.answers.pop(0)
        if self.takes > timeout:
            raise TimedOut(f"no answer within {timeout} s")
        if isinstance(answer, Reply):
            return answer
        raise answer
