"""How a process of ours runs."""

import gc

from lineside.apps.running import keep_for_good


def test_what_a_process_keeps_for_good_the_garbage_collector_does_not_look_at_again() -> None:
    before = gc.get_freeze_count()
    try:
        keep_for_good()
        assert gc.get_freeze_count() > before
        assert sum(len(gc.get_objects(generation)) for generation in range(3)) < gc.get_freeze_count()
    finally:
        gc.unfreeze()
