"""What starts without being asked for: a film in another language begins, or an episode's subtitle is done."""

from dataclasses import replace
from typing import TYPE_CHECKING, Set

from kodi import automatic, player, strings, subtitle_files, vfs, windows, wording
from kodi.automatic import RESUME
from kodi.desk import Offer, with_limit
from kodi.episodes import next_episode
from kodi.strings import localised
from translate.languages import from_suffix

if TYPE_CHECKING:
    from kodi.service import Service

OFFER_SECONDS = 20  # after which no answer is a no


class Unasked:
    """Called on threads of their own."""

    def __init__(self, service: "Service") -> None:
        self._service = service
        self._is_asking = False
        self._offered: Set[str] = set()  # films that the person was asked about

    def film_ended(self) -> None:
        """What was asked about it needs no answer any more."""
        if self._is_asking:
            windows.take_back_question()

    def film_started(self, video: str) -> None:
        """Go on where we stopped the last time, or do as the person wishes where there is no subtitle for them."""
        settings = self._service.engine.settings
        if not settings.ready or not subtitle_files.is_film_file(video):
            return
        if not self._service.book.of_video(video):
            self._service.desk.clear_up(video)
        finished = self._service.desk.finished(video)
        if finished is not None and finished.done >= finished.total:
            self._show_as_chosen(video, finished.path)
            self.prepare_next(video)
            return
        mine = finished is None and player.understands(settings.target)
        if mine or not self._service.desk.sources(video, whole=True):
            return
        self._service.spawn(self._service.engine.warm_up)
        offers = self._service.desk.offers(video, player.film_facts(), whole=True)
        if not offers or video != self._service.player.playing():
            return
        if finished is None:
            self._do_as_wished(video, offers[0], settings.auto_translate)
        else:
            self._go_on(video, max(offers, key=lambda offer: offer.known), settings.auto_translate)

    def _go_on(self, video: str, begun: Offer, mode: str) -> None:
        """With what is half done: as a person once asked for it, or else as the settings say now."""
        if begun.is_tried:
            self.prepare_next(video)
            return
        self._do_as_wished(video, begun, RESUME if begun.asked else mode)

    def _show_as_chosen(self, video: str, path: str) -> None:
        """Our whole translation, unless the person chose another language the last time, or none."""
        service = self._service
        if video != service.player.playing():  # it may take a while to look for files on a share
            return
        target = service.engine.settings.target
        chosen = service.choices.of(video)
        language = target if chosen in (None, target.base) else from_suffix(str(chosen))
        if language is target and vfs.folder_of(path).startswith(service.engine.folder):  # Kodi does not look there
            service.screen.show(path, target)
        elif language is not None and not service.screen.prefer(language) and language is target:
            service.screen.show(path, target)  # a language that Kodi does not know
        service.showing.watch(video, language.base if language else str(chosen))

    def _do_as_wished(self, video: str, offer: Offer, mode: str) -> None:
        if video in self._service.unwanted:
            return
        left = self._service.engine.left_this_month()
        wish = automatic.decide(mode, offer.cost, left)
        if wish == automatic.START:
            resumed = replace(offer.task, by_itself=True)
            self._service.begin(resumed if mode == RESUME else with_limit(offer.task, left))
        elif wish == automatic.OVER_LIMIT:
            limit = wording.dollars(self._service.engine.settings.monthly_limit)
            self._service.teller.once(localised(strings.LIMIT_REACHED, limit=limit))
        elif wish == automatic.ASK_FIRST and video not in self._offered and self._agreed(video, offer):
            self._service.choices.forget(video)
            self._service.begin(offer.task)

    def _agreed(self, video: str, offer: Offer) -> bool:
        """Whether the person says yes, and the film still plays."""
        playing = self._service.player.playing
        if not self._service.screen.await_full_screen() or video != playing() or video in self._offered:
            return False
        self._offered.add(video)
        self._is_asking = True
        try:
            text = wording.unasked_question(offer)
            yes = windows.confirm(text, strings.TRANSLATE, strings.NOT_NOW, seconds=OFFER_SECONDS)
        finally:
            self._is_asking = False
        return yes and video == playing()

    def prepare_next(self, video: str) -> None:
        """Have the subtitle of the episode after ``video`` ready before that begins, unless the person stopped it."""
        service = self._service
        if not service.engine.settings.next_episode or not video or video != service.player.playing():
            return
        following = next_episode(video, player.film_facts())
        if following is None or not subtitle_files.is_film_file(following.path) or following.path in service.unwanted:
            return
        if service.desk.is_served(following.path):
            return
        offers = service.desk.offers(following.path, following.facts, whole=True)
        left = service.engine.left_this_month()
        if offers and not offers[0].is_tried and automatic.affordable(offers[0].cost, left):
            service.begin(with_limit(offers[0].task, left, ahead_of_time=True))
