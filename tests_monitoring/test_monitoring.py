"""The files of contrib/monitoring in Prometheus' own tools, and a real Prometheus that watches a real server."""

import itertools
import json
import re
import subprocess
import time
import urllib.parse
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Callable, Dict, Iterator, List, Set

from status_support import ORIGIN, TOKEN, Made, endpoint, full

from status import prometheus
from status.families import families
from status.server import StatusServer

FOLDER = Path(__file__).resolve().parent.parent / "contrib" / "monitoring"
RULES, DASHBOARD = FOLDER / "alerts.yml", FOLDER / "grafana-dashboard.json"


def promtool(*words: str, text: str = "") -> str:
    """What it says, having found nothing wrong."""
    done = subprocess.run(
        ["promtool", *words],
        check=False,
        input=text.encode(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        cwd=FOLDER,
    )
    assert done.returncode == 0, done.stdout.decode()
    return done.stdout.decode()


def expressions() -> List[str]:
    """Every query of the dashboard, its variables filled in."""
    panels = json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]
    found = [target["expr"] for panel in panels for target in panel.get("targets", ())]
    return [expression.replace("$__rate_interval", "1m").replace("$instance", ".*").replace("$endpoint", ".*")
            for expression in found]  # fmt: skip


def metrics_in(text: str) -> Set[str]:
    return {re.sub(r"_(bucket|sum|count)$", "", name) for name in re.findall(r"\bsubai_\w+", text)}


# --- files ----------------------------------------------------------------------------------------------------------


def test_promtool_finds_nothing_wrong_with_the_metrics() -> None:
    assert promtool("check", "metrics", text=prometheus.exposition(families(full().snapshot()))) == ""


def test_promtool_finds_nothing_wrong_with_the_rules_and_they_do_as_they_should() -> None:
    assert "SUCCESS" in promtool("check", "rules", "alerts.yml")
    assert "SUCCESS" in promtool("test", "rules", "alerts.test.yml")
    promtool("check", "config", "--syntax-only", "prometheus.yml")


def test_every_metric_that_is_asked_for_exists() -> None:
    known = {family["name"] for family in families(full().snapshot())}
    asked = metrics_in(RULES.read_text(encoding="utf-8")) | metrics_in(DASHBOARD.read_text(encoding="utf-8"))
    assert asked - known == set()


def test_the_queries_of_the_dashboard_are_queries(tmp_path: Path) -> None:
    rules = [{"record": f"panel:query:{number}", "expr": one} for number, one in enumerate(expressions())]
    path = tmp_path / "rules.yml"
    path.write_text(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}))  # JSON is YAML
    assert f"{len(rules)} rules found" in promtool("check", "rules", str(path))


def test_the_dashboard_has_the_thresholds_that_people_go_by() -> None:
    panels = json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]
    limits = {
        panel["title"]: [step["value"] for step in panel["fieldConfig"]["defaults"]["thresholds"]["steps"]]
        for panel in panels
        if panel["type"] in ("stat", "gauge")
    }
    assert limits == {
        "Utilisation": [None, 0.7, 0.85],
        "Reuse": [None, 0.8, 0.9],
        "Errors": [None, 0.02, 0.05],
        "Time to connect": [None, 0.02, 0.2],
        "Waiting": [None, 5, 50],
    }


# --- a real Prometheus ----------------------------------------------------------------------------------------------


class Prometheus:
    """One that looks every second, and has the rules with their waits shortened."""

    def __init__(self, folder: Path, port: int, target: StatusServer) -> None:
        self._folder = folder
        self._port = port
        (folder / "token").write_text(TOKEN)
        (folder / "rules.yml").write_text(re.sub(r"for: \d+m", "for: 1s", RULES.read_text(encoding="utf-8")))
        config = (FOLDER / "prometheus.yml").read_text(encoding="utf-8")
        for usual, ours in (
            (r"(scrape|evaluation)_interval: 15s", r"\1_interval: 1s"),
            (r"- alerts\.yml", f"- {folder}/rules.yml"),
            (r"credentials_file: .*", f"credentials_file: {folder}/token"),
            (r'"127\.0\.0\.1:\d+"', f'"127.0.0.1:{target.port}"'),
        ):
            config, count = re.subn(usual, ours, config)
            assert count
        (folder / "prometheus.yml").write_text(config)

    @contextmanager
    def running(self) -> Iterator["Prometheus"]:
        command = [
            "prometheus",
            f"--config.file={self._folder}/prometheus.yml",
            f"--storage.tsdb.path={self._folder}/data",
            f"--web.listen-address=127.0.0.1:{self._port}",
            "--log.level=warn",
        ]
        with (self._folder / "log").open("wb") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log)
            try:
                yield self
            finally:
                process.terminate()
                process.wait(30)

    def get(self, path: str, **query: str) -> Any:
        url = f"http://127.0.0.1:{self._port}/api/v1/{path}?{urllib.parse.urlencode(query)}"
        with urllib.request.urlopen(url, timeout=10) as answer:
            return json.load(answer)["data"]

    def value(self, query: str) -> List[float]:
        return [float(one["value"][1]) for one in self.get("query", query=query)["result"]]

    def alerts(self) -> Dict[str, str]:
        """Name -> ``pending`` or ``firing``."""
        return {alert["labels"]["alertname"]: alert["state"] for alert in self.get("alerts")["alerts"]}


def until(condition: Callable[[], object], what: str, seconds: float = 90.0) -> None:
    end = time.monotonic() + seconds
    for _ in itertools.count():
        try:
            if condition():
                return
        except OSError:
            pass  # it has not started yet
        assert time.monotonic() < end, f"in vain: {what}"
        time.sleep(0.2)


def test_a_prometheus_scrapes_the_server_fires_an_alert_and_clears_it(tmp_path: Path, free_port: int) -> None:
    source = Made()
    source.endpoints[ORIGIN] = endpoint(10)
    source.breakers = [{"endpoint": "https://api.example.com/v1", "origin": ORIGIN, "state": "closed"}]
    with StatusServer(source, TOKEN) as server, Prometheus(tmp_path, free_port, server).running() as watcher:
        until(lambda: watcher.value(f'subai_connection_requests_total{{endpoint="{ORIGIN}"}}') == [10], "a scrape")
        assert watcher.value('up{job="subai"}') == [1]
        assert watcher.alerts() == {}
        for expression in expressions():
            assert watcher.get("query", query=expression)["resultType"] in ("vector", "scalar")

        source.breakers[0]["state"] = "open"
        source.endpoints[ORIGIN] = endpoint(20, waiting=51)
        expected = {"SubaiBreakerOpen": "firing", "SubaiRequestsWaiting": "firing"}
        until(lambda: watcher.alerts() == expected, "both alerts")

        source.breakers[0]["state"] = "half-open"
        source.endpoints[ORIGIN] = endpoint(30, waiting=2)
        until(lambda: watcher.alerts() == {}, "their end")
        assert watcher.value(f'subai_connection_requests_total{{endpoint="{ORIGIN}"}}') == [30]


def test_a_prometheus_with_a_wrong_token_learns_nothing(tmp_path: Path, free_port: int) -> None:
    source = Made()
    source.endpoints[ORIGIN] = endpoint(10)
    with StatusServer(source, TOKEN[:-1] + "b") as server, Prometheus(tmp_path, free_port, server).running() as watcher:
        until(lambda: watcher.value('up{job="subai"}') == [0], "a refusal")
        assert watcher.value("subai_connections_open") == []
        (target,) = watcher.get("targets")["activeTargets"]
        assert "401" in target["lastError"]
        until(lambda: watcher.alerts().get("SubaiDown") == "firing", "an alert about that")
