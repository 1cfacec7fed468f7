"""The soak: films one after another, everything goes wrong, and nothing may be left or counted wrongly."""

#: The key that the providers of the soak take.
KEY = "sk-standin-7Jq2Vx9LmZ4TbR8wKc5NhY3d"

#: The header by which a request is known on both sides, in lower case.
NUMBER = "x-soak-number"
