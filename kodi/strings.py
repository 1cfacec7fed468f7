"""Names for the texts in ``resources/language``; what they say, in which language, is Kodi's and the ``.po`` files'."""

import xbmcaddon

_addon = xbmcaddon.Addon()  # once: after the add-on is disabled this raises

AS_IN_KODI = 30300
OTHER_LANGUAGE = 30301
OWN_SERVER = 30306
SETUP = 30500
CONSENT_TEXT = 30501
AGREE = 30502
NOT_NOW = 30503
CHOOSE_PROVIDER = 30504
KEY_FOR = 30505
TYPE_KEY = 30506
READ_KEY = 30507
KEEP_KEY = 30508
NO_KEY = 30509
ENTER_URL = 30510
CHOOSE_LANGUAGE = 30511
ENTER_LANGUAGE = 30512
ASK_TEST = 30513
TEST = 30514
LATER = 30515
READY = 30516
CHOOSE_KEY_FILE = 30517
KEY_FILE_EMPTY = 30518
KEY_FILE_UNREADABLE = 30519
KEY_UNUSABLE = 30520
KEY_STORED = 30521
MODEL_OF = 30522
TYPE_MODEL = 30523
USUAL_MODEL = 30524
ASKING = 30525
RESET_DONE = 30526
NO_SERVICE = 30527
OPEN_SETTINGS = 30528
NOT_SET_UP = 30529
SET_UP_NOW = 30530
TEST_PASSED = 30531
TEST_ENCRYPTED = 30532
TEST_PLAIN = 30533
TEST_FIRST = 30534
TEST_SECOND = 30535
TEST_SAVED = 30536
ASK_AGREE = 30537
STATUS = 30540
OPENED = 30541
REUSED = 30542
REUSE_RATE = 30543
ACTIVE = 30544
IDLE = 30545
WAITING = 30546
ERRORS = 30547
HANDSHAKE = 30548
NO_CONNECTIONS = 30549
CLOSE = 30550
ROW_TRANSLATE = 30560
ROW_FINISHED = 30561
ROW_PARTLY = 30562
ROW_SOURCE = 30563
ROW_SET_UP = 30564
UNKNOWN_LANGUAGE = 30565
PRICE = 30566
PRICE_UNKNOWN = 30567
CONFIRM = 30568
CONFIRM_FIGURES = 30569
TRANSLATE = 30570
CANCEL = 30571
OFFER = 30572
CHOOSE_FILE = 30573
CHOOSE_SOURCE = 30574
PROGRESS = 30580
PROGRESS_LINES = 30581
DONE_ALL = 30582
DONE_SOME = 30583
STOPPED = 30584
JOINED = 30585
NEXT_READY = 30586
SEE_WHY = 30587
WHY_LINE = 30588
RETRY = 30589
ANEW = 30590
REMOVE = 30591
STOP = 30592
REMOVE_SURE = 30593
REMOVED = 30594
REPLACE_SURE = 30595
REPLACE = 30596
NO_SOURCE = 30600
NO_FILE = 30601
NO_DISC = 30602
LIMIT_REACHED = 30603
NOTHING_RUNS = 30604
KEY_REFUSED = 30620
QUOTA_SPENT = 30621
MODEL_GONE = 30622
UNREACHABLE = 30623
TLS_FAILED = 30624
BUSY = 30625
LIMIT_HIT = 30626
IDLE_OVER_AGE = 30627
CLASH = 30628

#: Code -> text with the language's name, for those that the settings offer by name.
_CODES = (
    "ar bg ca zh-CN zh-TW hr cs da nl en et fi fr de el he hi hu id it ja ko lv lt ms no fa pl pt pt-BR "
    "ro ru sr sk sl es es-419 sv th tr uk vi"
)
LANGUAGES = {code: number for number, code in enumerate(_CODES.split(), 30400)}


def localised(text: int, **values: object) -> str:
    """The text with this id, in Kodi's language, with the ``{named}`` values filled in."""
    return _addon.getLocalizedString(text).format(**values)


def language_name(code: str, otherwise: str) -> str:
    """What the language is called in Kodi's own, or ``otherwise`` where we have no word for it."""
    return localised(LANGUAGES[code]) if code in LANGUAGES else otherwise
