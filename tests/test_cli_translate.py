"""``subai translate``: files in, files out, exit codes, the report, and what a person is told."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Dict, List

import pytest
from cli_support import ROOT, Run, asked, batches, film, system_message, tree, withholding, write
from standin_faults import always, bad_key, html_page, no_such_model, quota_spent, saying, unsupported

import api
from cli.standin import StandIn, pseudo_translate
from cli.standin.exchange import Exchange
from translate.documents import load

pytest_plugins = ("cli_fixtures",)

REPORT = (
    "cues translated kept failed requests retries connections_created connections_reused reuse_rate fallback_requests "
    "first_cue_seconds total_seconds prompt_tokens completion_tokens provider model output"
).split()


def report(path: Path) -> Dict[str, Any]:
    found = json.loads(path.read_text(encoding="utf-8"))
    assert isinstance(found, dict)
    return found


def offering(*names: str) -> Any:
    """A script: these are the models."""

    def fault(exchange: Exchange) -> None:
        exchange.send(exchange.document({"object": "list", "data": [{"id": name} for name in names]}))

    return lambda exchange: None if exchange.chat else fault


# --- what comes out -------------------------------------------------------------------------------------------------


def test_each_cue_comes_out_at_its_place_and_nothing_else_changes(
    run: Run, there: List[str], small: str, folder: Path
) -> None:
    done = run("translate", small, "--to", "es", *there)
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith(f"{folder / 'film.es.srt'}: 4 of 4 lines translated (1 request over 1 new connection, ")
    source = Path(small).read_text(encoding="utf-8")
    expected = source.replace("Hello there, Marta.", "⟦H-Hello there, Marta⟧.")
    expected = expected.replace("<i>Where are you going?</i>", "<i>⟦W-Where are you going⟧?</i>")
    expected = expected.replace("It is 19:47.", "⟦I-It is 19:47⟧.")
    expected = expected.replace("Not tonight, captain.", "⟦N-Not tonight, captain⟧.")
    assert (folder / "film.es.srt").read_text(encoding="utf-8") == expected
    assert tree(folder) == {"film.en.srt", "film.es.srt"}


@pytest.mark.parametrize("provider", api.PROVIDERS)
def test_every_provider_can_be_asked(
    run: Run,
    small: str,
    folder: Path,
    tls_standin: StandIn,
    ca_file: str,
    key: str,
    provider: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv(api.PROVIDERS[provider].key_name, key)
    dialect = "openai" if provider == "compatible" else provider
    base_url = getattr(tls_standin, f"{dialect}_base_url")
    flags = ("--provider", provider, "--base-url", base_url, "--ca-file", ca_file, "--report", str(folder / "r.json"))
    done = run("translate", small, "--to", "es", *flags)
    assert (done.code, done.err) == (0, "")
    assert report(folder / "r.json")["provider"] == provider
    assert pseudo_translate("Not tonight, captain.") in (folder / "film.es.srt").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "language", "made"),
    [
        ("film.srt", "es", "film.es.srt"),
        ("film.en.srt", "Spanish", "film.es.srt"),
        ("film.en.srt", "Español", "film.es.srt"),
        ("film.en.srt", "pt-BR", "film.pt-BR.srt"),
        ("Film.2010.EN.SRT", "pt_br", "Film.2010.pt-BR.srt"),
        ("film.en.forced.srt", "de", "film.de.forced.srt"),
        ("film.es.srt", "es", "film.es.es.srt"),
        ("film.en.srt", "other:Scots, as spoken in Glasgow", "film.x-scots-as-spoken-in-glasgow.srt"),
    ],
)
def test_the_output_is_named_after_source_and_language(
    run: Run, there: List[str], folder: Path, name: str, language: str, made: str
) -> None:
    source = write(folder / name, film(3))
    assert run("translate", source, "--to", language, *there).code == 0
    assert tree(folder) == {name, made}


def test_the_model_is_told_the_language_the_style_and_the_film(
    run: Run, there: List[str], small: str, tls_standin: StandIn
) -> None:
    words = ("--style", "  formal,\nno slang ", "--film", "The Lighthouse Keeper (1932)")
    assert run("translate", small, "--to", "other:Scots", *words, *there).code == 0
    (record,) = tls_standin.log
    told = system_message(record)
    assert "from English into Scots" in told
    assert "Style: formal, no slang" in told
    assert "The film: The Lighthouse Keeper (1932)" in told


def test_the_language_of_the_source_can_be_said(run: Run, there: List[str], folder: Path, tls_standin: StandIn) -> None:
    source = write(folder / "film.srt", film(3))
    assert run("translate", source, "--to", "es", "--from", "Hungarian", *there).code == 0
    assert "from Hungarian into Spanish" in system_message(tls_standin.log[0])


def test_a_byte_order_mark_and_windows_line_ends_stay(run: Run, there: List[str], folder: Path) -> None:
    source = folder / "film.srt"
    source.write_bytes(b"\xef\xbb\xbf" + film(3).replace("\n", "\r\n").encode())
    assert run("translate", str(source), "--to", "es", *there).code == 0
    written = (folder / "film.es.srt").read_bytes()
    assert written.startswith(b"\xef\xbb\xbf1\r\n")
    assert written.count(b"\r\n") == written.count(b"\n") == source.read_bytes().count(b"\n")


def test_webvtt_keeps_its_notes_styles_and_settings(run: Run, there: List[str], folder: Path) -> None:
    head = "WEBVTT\n\nSTYLE\n::cue { color: lime }\n\nNOTE made by hand\n\nintro\n"
    head += "00:01.000 --> 00:02.000 align:start line:0\n"
    source = write(folder / "film.en.vtt", f"{head}<v Marta>Come in, captain.\n")
    assert run("translate", source, "--to", "es", *there).code == 0
    assert (folder / "film.es.vtt").read_text(encoding="utf-8") == f"{head}<v Marta>⟦C-Come in, captain⟧.\n"


def test_ass_keeps_its_styles_and_drawings(run: Run, there: List[str], folder: Path) -> None:
    text = (
        "[Script Info]\nScriptType: v4.00+\n\n[V4+ Styles]\nFormat: Name, Fontname\nStyle: Default,Arial\n\n"
        "[Events]\nFormat: Layer, Start, End, Style, Text\n"
        "Dialogue: 0,0:00:01.00,0:00:02.00,Default,{\\an8}Come in,\\Ncaptain.\n"
        "Dialogue: 0,0:00:03.00,0:00:04.00,Default,{\\p1}m 0 0 l 10 10{\\p0}\n"
    )
    source = write(folder / "film.ass", text)
    assert run("translate", source, "--to", "es", *there).code == 0
    expected = text.replace("Come in,\\Ncaptain.", "⟦C-Come in⟧,\\N⟦c-captain⟧.")
    assert (folder / "film.es.ass").read_text(encoding="utf-8") == expected


def test_a_film_without_words_needs_no_request(run: Run, there: List[str], folder: Path, tls_standin: StandIn) -> None:
    source = write(folder / "film.srt", "1\n00:00:01,000 --> 00:00:02,000\n♪ ♪\n")
    done = run("translate", source, "--to", "es", *there)
    assert done == (0, f"{folder / 'film.es.srt'}: 1 of 1 line translated (no request).\n", "")
    assert tls_standin.log == []


def test_a_whole_film_goes_over_few_connections_and_each_cue_gets_its_own_translation(
    run: Run, there: List[str], folder: Path, tls_standin: StandIn
) -> None:
    source = write(folder / "film.srt", film(1300))
    done = run("translate", source, "--to", "es", "--report", str(folder / "r.json"), *there)
    assert (done.code, done.err) == (0, "")
    assert report(folder / "r.json")["connections_created"] <= 5
    before, after = (load(str(folder / name)) for name in ("film.srt", "film.es.srt"))
    assert [cue.text for cue in after.cues] == [pseudo_translate(cue.text) for cue in before.cues]
    bare = after.render({cue.index: cue.text for cue in before.cues})
    assert bare == Path(source).read_bytes()


def test_without_urllib3_the_film_comes_out_the_same(
    run: Run, there: List[str], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = write(folder / "film.srt", film(60))
    assert run("translate", source, "--to", "es", "--no-memory", *there).code == 0
    pooled = (folder / "film.es.srt").read_bytes()
    monkeypatch.setitem(sys.modules, "urllib3", None)
    flags = ("--no-memory", "--force", "--report", str(folder / "r.json"))
    done = run("translate", source, "--to", "es", *flags, *there)
    assert done.code == 0
    assert "urllib3 cannot be imported" in done.err
    assert len(done.err.splitlines()) == 1
    assert (folder / "film.es.srt").read_bytes() == pooled
    found = report(folder / "r.json")
    assert found["fallback_requests"] == found["requests"] > 1


# --- whose files ----------------------------------------------------------------------------------------------------


def test_the_source_is_never_written_to(run: Run, there: List[str], small: str, folder: Path) -> None:
    before = Path(small).read_bytes()
    link = folder / "link.srt"
    link.symlink_to(small)
    for output in (small, str(link), os.path.relpath(small)):
        done = run("translate", small, "--to", "es", "-o", output, "--force", *there)
        assert done.code == 2
        assert "is the source itself, which is never written to" in done.complaint
    assert Path(small).read_bytes() == before


def test_a_translation_that_exists_is_kept_unless_forced(
    run: Run, there: List[str], small: str, folder: Path, tls_standin: StandIn
) -> None:
    target = folder / "film.es.srt"
    write(target, "made by hand")
    done = run("translate", small, "--to", "es", *there)
    assert done.code == 2
    assert done.complaint == f"{target} exists and was kept. Use --force to translate anew."
    assert target.read_text(encoding="utf-8") == "made by hand"
    assert tls_standin.log == []
    assert run("translate", small, "--to", "es", "--force", *there).code == 0
    assert "⟦H-Hello there, Marta⟧." in target.read_text(encoding="utf-8")


def test_the_output_can_be_named(run: Run, there: List[str], small: str, tmp_path: Path, folder: Path) -> None:
    output = tmp_path / "elsewhere.srt"
    done = run("translate", small, "--to", "es", "-o", str(output), *there)
    assert done.code == 0
    assert done.out.startswith(f"{output}: ")
    assert output.exists()
    assert tree(folder) == {"film.en.srt"}


def test_several_films_share_their_connections(run: Run, there: List[str], folder: Path, tls_standin: StandIn) -> None:
    sources = [write(folder / f"e{number}.en.srt", film(3 + number)) for number in (1, 2, 3)]
    done = run("translate", *sources, "--to", "es", "--report", str(folder / "r.json"), *there)
    assert done.code == 0
    assert tree(folder) >= {"e1.es.srt", "e2.es.srt", "e3.es.srt"}
    documents = json.loads((folder / "r.json").read_text(encoding="utf-8"))
    assert [(one["source"], one["cues"]) for one in documents] == list(zip(sources, (4, 5, 6)))
    assert sum(one["connections_created"] for one in documents) == tls_standin.stats().connections
    assert documents[2]["connections_created"] == 0
    assert documents[2]["reuse_rate"] == 1.0


def test_one_bad_film_among_several_does_not_stop_the_others(run: Run, there: List[str], folder: Path) -> None:
    good, more = (write(folder / name, film(3)) for name in ("a.srt", "b.srt"))
    missing = str(folder / "nowhere.srt")
    done = run("translate", good, missing, more, "--to", "es", "--report", str(folder / "r.json"), *there)
    assert done.code == 1
    assert done.complaint == f"{missing} does not exist. Check the name."
    assert tree(folder) >= {"a.es.srt", "b.es.srt"}
    documents = json.loads((folder / "r.json").read_text(encoding="utf-8"))
    assert [one["source"] for one in documents] == [good, more]


def test_two_films_never_share_one_output(run: Run, there: List[str], folder: Path) -> None:
    english, plain = (write(folder / name, film(count)) for name, count in (("film.en.srt", 3), ("film.srt", 4)))
    done = run("translate", english, plain, english, "--to", "es", *there)
    assert done.code == 2
    first, second = done.err.splitlines()
    assert first == (
        f"subai: The translation of {plain} would take the place of that of {english}. Translate it alone, with -o."
    )
    assert english in second
    assert "Number 3" in (folder / "film.es.srt").read_text(encoding="utf-8")
    assert "Number 4" not in (folder / "film.es.srt").read_text(encoding="utf-8")


def test_a_film_is_no_output_of_the_same_call(run: Run, there: List[str], folder: Path) -> None:
    english, spanish = (write(folder / name, film(3)) for name in ("film.en.srt", "film.es.srt"))
    before = Path(spanish).read_bytes()
    done = run("translate", english, spanish, "--to", "es", "--force", *there)
    assert done.code == 2
    assert f"would take the place of {spanish}, which is to be translated itself" in done.complaint
    assert Path(spanish).read_bytes() == before


def test_an_output_that_cannot_be_written_in_the_end_does_not_stop_the_next_film(
    run: Run, there: List[str], folder: Path, tmp_path: Path, tls_standin: StandIn
) -> None:
    """The folder goes away while the film is on its way. What was paid for is remembered."""
    gone = tmp_path / "gone"
    gone.mkdir()
    first, second = write(gone / "a.srt", film(3)), write(folder / "b.srt", film(4))

    def removing(exchange: Exchange) -> Any:
        for path in gone.glob("*"):
            path.unlink()
        if gone.exists():
            gone.rmdir()

    tls_standin.script = removing
    done = run("translate", first, second, "--to", "es", *there)
    assert done.code == 1
    assert done.complaint.startswith(f"{gone / 'a.es.srt'} cannot be written (No such file or directory).")
    assert (folder / "b.es.srt").exists()
    gone.mkdir()
    write(gone / "a.srt", film(3))
    tls_standin.reset()
    assert run("translate", first, "--to", "es", *there).code == 0
    assert tls_standin.log == []


# --- the report -----------------------------------------------------------------------------------------------------


def test_the_report_has_the_figures_of_the_film(run: Run, there: List[str], folder: Path, tls_standin: StandIn) -> None:
    source = write(folder / "film.srt", film(120))
    done = run("translate", source, "--to", "es", "--report", str(folder / "r.json"), *there)
    found = report(folder / "r.json")
    assert done.code == 0
    assert set(REPORT) <= set(found)
    stats = tls_standin.stats()
    assert {name: found[name] for name in ("cues", "translated", "kept", "failed", "retries", "fallback_requests")} == {
        "cues": 120,
        "translated": 120,
        "kept": 0,
        "failed": [],
        "retries": 0,
        "fallback_requests": 0,
    }
    assert found["requests"] == stats.requests == len(batches(tls_standin))
    assert found["connections_created"] == stats.connections
    assert found["connections_created"] + found["connections_reused"] == stats.requests
    assert found["reuse_rate"] == round(found["connections_reused"] / stats.requests, 4)
    assert 0 < found["first_cue_seconds"] <= found["total_seconds"] < 10
    assert found["prompt_tokens"] > found["completion_tokens"] > 0
    assert (found["provider"], found["model"]) == ("openai", "gpt-4.1-mini")
    assert found["output"] == str(folder / "film.es.srt")


def test_the_report_names_each_line_that_was_kept(
    run: Run, there: List[str], small: str, folder: Path, tls_standin: StandIn
) -> None:
    tls_standin.script = withholding({"Not tonight"})
    done = run("translate", small, "--to", "es", "--report", str(folder / "r.json"), *there)
    found = report(folder / "r.json")
    assert done.code == 3
    assert done.out.startswith(
        f"{folder / 'film.es.srt'}: 3 of 4 lines translated, 1 kept in the source language: 4 (blocked) ("
    )
    assert found["failed"] == [{"index": 4, "reason": "blocked"}]
    assert (found["translated"], found["kept"]) == (3, 1)
    assert "Not tonight, captain.\n" in (folder / "film.es.srt").read_text(encoding="utf-8")


def test_the_report_takes_the_place_of_no_subtitle(run: Run, there: List[str], small: str, folder: Path) -> None:
    before = Path(small).read_bytes()
    for taken in (small, str(folder / "film.es.srt")):
        done = run("translate", small, "--to", "es", "--report", taken, *there)
        assert done.code == 2
        assert done.complaint == f"The report would take the place of {taken}. Choose another place with --report."
    assert Path(small).read_bytes() == before
    assert tree(folder) == {"film.en.srt"}


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="file names are text there")
def test_a_file_name_that_is_no_text_is_no_trouble(home: Path, folder: Path) -> None:
    source = os.fsencode(str(folder)) + b"/caf\xe9.srt"
    with open(source, "wb") as file:
        file.write(film(3).encode())
    report_path = str(folder / "r.json")
    command = [sys.executable, "-m", "cli", "translate", os.fsdecode(source), "--to", "es", "--report", report_path]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    assert os.path.exists(os.fsencode(str(folder)) + b"/caf\xe9.es.srt")
    assert os.fsencode(report(folder / "r.json")["output"]).endswith(b"/caf\xe9.es.srt")


# --- who is asked ---------------------------------------------------------------------------------------------------


def test_without_any_key_a_stand_in_answers_and_says_what_it_is(run: Run, small: str, folder: Path) -> None:
    done = run("translate", small, "--to", "es", "--report", str(folder / "r.json"))
    assert (done.code, done.err) == (0, "")
    notice, hint, other, last = done.out.splitlines()
    assert "This is NOT a translation" in notice
    assert "export OPENAI_API_KEY=..." in hint
    assert "GEMINI_API_KEY" in hint
    assert "subai check --local" in other
    assert last.startswith(f"{folder / 'film.es.srt'}: 4 of 4 lines translated")
    assert report(folder / "r.json")["provider"] == "demo"


def test_the_stand_in_is_asked_directly_whatever_the_proxy(run: Run, small: str) -> None:
    assert run("translate", small, "--to", "es", "--proxy", "http://127.0.0.1:9").code == 0


@pytest.mark.parametrize(
    ("keys", "provider"),
    [
        (["OPENAI_API_KEY", "GEMINI_API_KEY", "OPENROUTER_API_KEY", "SUBAI_API_KEY"], "openai"),
        (["GEMINI_API_KEY", "OPENROUTER_API_KEY"], "gemini"),
        (["OPENROUTER_API_KEY", "SUBAI_API_KEY"], "openrouter"),
        (["SUBAI_API_KEY"], "compatible"),
        ([], "compatible"),
    ],
)
def test_with_a_base_url_the_first_provider_with_a_key_is_asked(
    run: Run, small: str, folder: Path, keys: List[str], provider: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in keys:
        monkeypatch.setenv(name, "sk-0123456789")
    with StandIn() as standin:
        dialect = "openai" if provider == "compatible" else provider
        base_url = getattr(standin, f"{dialect}_base_url")
        done = run("translate", small, "--to", "es", "--base-url", base_url, "--report", str(folder / "r.json"))
    assert done.code == 0
    assert report(folder / "r.json")["provider"] == provider


def test_a_stand_in_can_be_wanted_although_there_is_a_key(run: Run, there: List[str], small: str) -> None:
    assert "NOT a translation" in run("translate", small, "--to", "es", "--provider", "demo").out


def test_a_server_with_several_models_asks_for_a_name(run: Run, small: str, folder: Path) -> None:
    with StandIn(script=offering("small", "large")) as standin:
        done = run("translate", small, "--to", "es", "--base-url", standin.openai_base_url)
        assert done.code == 2
        assert done.complaint == "Name the model to use; the server offers large, small"
        named = run("translate", small, "--to", "es", "--base-url", standin.openai_base_url, "--model", "large")
    assert named.code == 0


# --- estimates ------------------------------------------------------------------------------------------------------


def test_an_estimate_sends_nothing_and_writes_nothing(
    run: Run, there: List[str], folder: Path, tls_standin: StandIn
) -> None:
    source = write(folder / "film.srt", film(120))
    done = run("translate", source, "--to", "es", "--estimate", *there)
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith(f"{source}: 120 lines to translate, about ")
    assert "tokens, about $0." in done.out
    assert tls_standin.stats().connections == 0
    assert tree(folder) == {"film.srt"}


def test_an_estimate_does_not_even_ask_which_models_there_are(run: Run, small: str) -> None:
    with StandIn() as standin:
        done = run("translate", small, "--to", "es", "--estimate", "--base-url", standin.openai_base_url)
        assert standin.log == []
    assert done.code == 0
    assert done.out.endswith("tokens, price unknown.\n")


def test_an_estimate_leaves_out_what_is_remembered(run: Run, there: List[str], folder: Path) -> None:
    source = write(folder / "film.srt", film(30))
    assert run("translate", source, "--to", "es", *there).code == 0
    done = run("translate", source, "--to", "es", "--estimate", *there)
    assert done == (0, f"{source}: nothing is left to translate (30 more are remembered).\n", "")
    longer = write(folder / "longer.srt", film(33))
    done = run("translate", longer, "--to", "es", "--estimate", *there)
    assert done.out.startswith(f"{longer}: 4 lines to translate (29 more are remembered), about 1 request, ")


# --- when it goes wrong ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        (bad_key, "OpenAI refused the key (401). Check OPENAI_API_KEY or make a new key at https://"),
        (quota_spent, "The quota or the credit at OpenAI is used up (429). Add credit, or wait until it is renewed."),
        (no_such_model, "OpenAI has no model 'gpt-4.1-mini' (404). See what it has: ./subai models --provider openai"),
    ],
)
def test_a_final_no_costs_one_request_whatever_the_parallelism(
    run: Run, there: List[str], folder: Path, tls_standin: StandIn, fault: Any, words: str
) -> None:
    source = write(folder / "film.srt", film(200))
    tls_standin.script = always(fault)
    done = run("translate", source, "--to", "es", "--parallel", "8", *there, "--report", str(folder / "r.json"))
    assert done.code == 4
    assert done.complaint.startswith(words)
    assert done.out.startswith(f"{source}: nothing was translated, nothing was written (1 request over ")
    assert tls_standin.stats().requests == 1
    assert tree(folder) == {"film.srt", "r.json"}
    found = report(folder / "r.json")
    assert (found["translated"], found["kept"], found["output"]) == (0, 200, None)
    assert found["failed"][0] == {"index": 1, "reason": "not reached"}


def test_what_was_translated_before_the_no_is_kept_and_the_next_run_goes_on(
    run: Run, there: List[str], folder: Path, tls_standin: StandIn
) -> None:
    source = write(folder / "film.srt", film(200))
    tls_standin.script = lambda exchange: quota_spent if exchange.number > 3 else None
    done = run("translate", source, "--to", "es", "--parallel", "1", *there)
    assert done.code == 4
    assert "The quota or the credit at OpenAI is used up" in done.complaint
    assert "the others are still in the source language" in done.out
    assert done.out.endswith("The same command goes on from here.\n")
    answered = {text for batch in batches(tls_standin)[:3] for text in batch}
    tls_standin.script = None
    tls_standin.reset()
    done = run("translate", source, "--to", "es", *there)
    assert (done.code, done.err) == (0, "")
    assert 0 < len(answered) < 200
    assert not answered & set(asked(tls_standin))
    written = (folder / "film.es.srt").read_text(encoding="utf-8")
    assert sum(f"Number {number}:" in written for number in range(1, 201)) == 200
    assert written.count("⟦N-Number") == 200


def test_a_film_after_the_no_is_not_tried(run: Run, there: List[str], folder: Path, tls_standin: StandIn) -> None:
    sources = [write(folder / f"e{number}.srt", film(5)) for number in (1, 2)]
    tls_standin.script = always(bad_key)
    done = run("translate", *sources, "--to", "es", *there)
    assert done.code == 4
    assert len(done.err.splitlines()) == 1
    assert done.out.splitlines()[1:] == [f"{sources[1]}: not begun."]
    assert tls_standin.stats().requests == 1


def test_a_model_that_talks_instead_of_translating_is_told_apart(
    run: Run, there: List[str], folder: Path, tls_standin: StandIn
) -> None:
    source = write(folder / "film.srt", film(400))
    tls_standin.script = always(saying(lambda text: "I would love to help you with that!"))
    done = run("translate", source, "--to", "es", "--parallel", "1", *there)
    assert done.code == 4
    assert done.complaint == "gpt-4.1-mini did not give one usable answer in 4 batches. Try another model."


def test_a_page_instead_of_an_answer_is_told_apart(
    run: Run, there: List[str], folder: Path, tls_standin: StandIn
) -> None:
    source = write(folder / "film.srt", film(200))
    tls_standin.script = always(html_page)
    done = run("translate", source, "--to", "es", *there)
    assert done.code == 4
    assert done.complaint.startswith(
        "gpt-4.1-mini did not give one usable answer in 4 batches. A web page came instead"
    )
    assert tree(folder) == {"film.srt"}


def test_a_server_that_is_not_there_is_told_apart(run: Run, small: str, folder: Path, no_pauses: None) -> None:
    done = run("translate", small, "--to", "es", "--base-url", "http://127.0.0.1:9/v1", "--model", "m")
    assert done.code == 4
    assert done.complaint == "127.0.0.1 could not be reached (Connection refused): check the address and the network."
    assert tree(folder) == {"film.en.srt"}


def test_a_parameter_that_the_model_does_not_take_is_dropped_once(
    run: Run, there: List[str], folder: Path, tls_standin: StandIn
) -> None:
    source = write(folder / "film.srt", film(60))
    tls_standin.script = always(unsupported("temperature"))
    assert run("translate", source, "--to", "es", *there).code == 0
    assert [record.status for record in tls_standin.log].count(400) == 1


def test_each_request_can_be_watched(run: Run, there: List[str], small: str) -> None:
    done = run("translate", small, "--to", "es", "-v", *there)
    assert done.code == 0
    assert any("openai" in line and "200" in line for line in done.err.splitlines())


# --- the terminal ---------------------------------------------------------------------------------------------------


@pytest.mark.skipif(os.name == "nt", reason="terminals as on POSIX")
def test_in_a_terminal_a_bar_shows_how_far_it_is(home: Path, folder: Path) -> None:
    import pty

    source = write(folder / "[bold]film.srt", film(60))
    reading, writing = pty.openpty()
    command = [sys.executable, "-m", "cli", "translate", source, "--to", "es"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=writing) as process:
        os.close(writing)
        seen = b""
        while True:
            try:
                part = os.read(reading, 4096)
            except OSError:  # the other end is closed
                break
            if not part:
                break
            seen += part
    os.close(reading)
    assert process.returncode == 0
    assert b"[bold]film.srt" in seen
    assert b"60/60" in seen


@pytest.mark.skipif(os.name == "nt", reason="pipes as on POSIX")
def test_a_reader_that_leaves_does_not_stop_the_film(home: Path, small: str, folder: Path) -> None:
    """As in ``subai translate ... | head -0``."""
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "cli", "translate", small, "--to", "es"]
    done = subprocess.run(command, cwd=ROOT, stdout=writing, stderr=subprocess.PIPE, check=False)
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, b"")
    assert (folder / "film.es.srt").exists()
