"""Signals wait for the main thread, whichever thread they find."""

import signal
import threading

from eyespot.supervisor.signals import Wish, held_back, next_wish


def test_a_signal_that_finds_a_thread_from_before_waits_like_any_other() -> None:
    over = threading.Event()
    from_before = threading.Thread(target=over.wait)
    from_before.start()
    try:
        with held_back():
            signal.pthread_kill(from_before.ident or 0, signal.SIGINT)
            assert Wish.STOP in (next_wish(0.1), next_wish(0.1))
            signal.raise_signal(signal.SIGHUP)
            assert next_wish(0) is Wish.RELOAD
            assert next_wish(0) is None
    finally:
        over.set()
        from_before.join()


def test_many_reloads_are_one_and_a_stop_overtakes_them() -> None:
    with held_back():
        for number in (signal.SIGHUP, signal.SIGHUP):
            signal.raise_signal(number)
        assert (next_wish(0), next_wish(0)) == (Wish.RELOAD, None)
        for number in (signal.SIGHUP, signal.SIGTERM):
            signal.raise_signal(number)
        assert (next_wish(0), next_wish(0)) == (Wish.STOP, None)


def test_what_signals_did_before_they_do_again_afterwards() -> None:
    before = signal.getsignal(signal.SIGINT)
    with held_back():
        assert signal.getsignal(signal.SIGINT) is not before
    assert signal.getsignal(signal.SIGINT) is before
