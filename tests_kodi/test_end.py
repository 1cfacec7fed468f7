"""Quitting Kodi, and disabling the add-on, in the middle of the work."""

import re
from pathlib import Path

from cli.standin import Pace, StandIn
from tests_kodi.conftest import Starter
from tests_kodi.driver.remote import SUBTITLE_DIALOG, Remote
from tests_kodi.driver.speech import translated
from tests_kodi.driver.waiting import until

REQUESTS = 8
FOREVER = Pace(first_token=600.0)
_ENDED = re.compile(r"Ended in (\d+\.\d+) s")


def busy(remote: Remote, standin: StandIn, film: Path) -> None:
    """Eight requests are in flight, and none of them will be answered."""
    standin.pace = Pace(first_token=0.1, tokens_per_second=200)
    remote.play(film)
    remote.open_subtitle_dialog()
    remote.choose_row("Translate film.en.srt")
    remote.hides(SUBTITLE_DIALOG)
    ours = film.with_name("film.es.srt")
    until(lambda: ours.exists() and translated(ours), "the first translated lines")
    standin.pace = FOREVER
    until(lambda: standin.stats().in_flight == REQUESTS, "eight requests in flight")


def our_part(remote: Remote) -> float:
    """Seconds that the service took to end, as it wrote into the log last."""
    return float(until(lambda: _ENDED.findall(remote.kodi.log()), "the service's last word")[-1])


def test_disabled_it_ends_at_once_and_enabled_again_it_works(start: Starter, standin: StandIn, film: Path) -> None:
    remote = start(parallel_requests=str(REQUESTS))
    busy(remote, standin, film)
    remote.kodi.disable()
    assert our_part(remote) < 1.0
    until(lambda: standin.stats().in_flight == 0, "the requests to be given up", 3)
    kept = len(translated(film.with_name("film.es.srt")))
    standin.pace = Pace(first_token=0.1, tokens_per_second=400)
    remote.kodi.enable()
    until(lambda: len(translated(film.with_name("film.es.srt"))) > kept, "the translation to go on")
    remote.finishes()
    assert "Ended in" not in "\n".join(remote.kodi.complaints())


def test_quitting_with_eight_slow_requests_in_flight_takes_no_longer(
    start: Starter, standin: StandIn, film: Path
) -> None:
    remote = start(parallel_requests=str(REQUESTS))
    busy(remote, standin, film)
    took = remote.kodi.quit()
    print(f"Kodi ended {took:.2f} s after it was told to, our part in {our_part(remote):.2f} s.")
    assert our_part(remote) < 1.0
    assert took < 8.0
    assert translated(film.with_name("film.es.srt"))
    assert "didn't stop in 5 seconds" not in remote.kodi.log()
