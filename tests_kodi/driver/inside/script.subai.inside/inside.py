"""What the tests can only do inside Kodi: the first argument is a file with the code, whose answer goes beside it."""

import json
import os
import sys
from typing import Any, Dict

path = sys.argv[1]
with open(path, encoding="utf-8") as file:
    code = file.read()
names: Dict[str, Any] = {"answer": None}
try:
    exec(compile(code, path, "exec"), names)
    result = {"answer": names["answer"]}
except Exception as error:  # noqa: BLE001 - the test is told
    result = {"error": f"{type(error).__name__}: {error}"}
with open(path + ".new", "w", encoding="utf-8") as file:
    json.dump(result, file)
os.replace(path + ".new", path + ".json")
