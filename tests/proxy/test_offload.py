"""Large work leaves the loop; small work does not."""

import threading

from oneshot_proxy import offload


async def test_only_large_work_goes_to_a_thread() -> None:
    here = threading.get_ident()
    assert await offload.run(offload.LARGE - 1, threading.get_ident) == here
    assert await offload.run(offload.LARGE, threading.get_ident) != here
