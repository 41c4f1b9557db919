"""Large photos wait for each other."""

import threading
import time

from dicface.restoration.memory import PixelBudget


def test_a_large_picture_is_alone() -> None:
    budget = PixelBudget(10)
    inside: list[float] = []
    together: list[float] = []

    def use(megapixels: float) -> None:
        with budget.share(megapixels):
            inside.append(megapixels)
            together.append(sum(inside))
            time.sleep(0.01)
            inside.remove(megapixels)

    threads = [threading.Thread(target=use, args=(megapixels,)) for megapixels in (4, 4, 4, 50, 4, 50, 4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(together) == 7
    assert max(total for total in together if total < 50) <= 10
    assert all(total in (4, 8, 50) for total in together)
