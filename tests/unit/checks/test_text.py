"""The checks that read the text: secrets, language, placeholders. All secrets are made up here."""

import pytest

from tests.unit.checks.labelled import reply_places

ENGLISH = "I have put the letter from the bank aside again, and I am not sure what it is that keeps me from reading it."
GERMAN = "Ich habe den Brief von der Bank wieder weggelegt und weiß nicht genau, was mich davon abhält, ihn zu lesen."
FRENCH = "J'ai encore mis de côté la lettre de la banque, et je ne sais pas très bien ce qui m'empêche de la lire."
CHINESE = (
    "我又把银行的信放在一边了，我不知道是什么阻止我去读它。每次我打开信封的时候，我的心跳都会"
    "加快，然后我就把它放回抽屉里。我知道这样下去是不行的，但是我真的不知道该怎么办才好。"
)
BODY = "q7Rt2LmX9vKc4WnZ8bHd3YpJ6sGf5TaE1uQo"


@pytest.mark.parametrize(
    "secret",
    [
        "AKIA" + "Q7RT2LMX3VKC4WNZ",
        "ghp_" + BODY,
        "github_pat_" + BODY + "_" + BODY,
        "glpat-" + BODY[:20],
        "sk-proj-" + BODY,
        "sk-ant-api03-" + BODY,
        "sk_live_" + BODY[:24],
        "xoxb-" + "123456789012-" + BODY[:20],
        "AIza" + BODY[:35],
        "hf_" + BODY[:34],
        "npm_" + BODY,
        "sb_secret_" + BODY[:24],
        "SG." + BODY[:22] + "." + BODY + "abcdefg",
        "eyJhbGciOiJIUzI1NiJ9." + "eyJzdWIiOiI0MiJ9." + BODY,
        "-----BEGIN RSA PRIVATE " + "KEY-----",
        "-----BEGIN PRIVATE " + "KEY-----",
        "-----BEGIN PGP PRIVATE " + "KEY BLOCK-----",
    ],
)
def test_secrets_are_found_in_full(secret: str) -> None:
    assert reply_places("secrets", f'Set the key to "{secret}" and start it.') == [("error", secret)]


@pytest.mark.parametrize(
    "text",
    [
        "AKIAIOSFODNN7EXAMPLE is Amazon's own sample",
        "sk-your-key-goes-here-and-nowhere-else-1",
        "ghp_" + "x" * 36,
        "sk-" + "a1" + "0" * 40,
        "the risk-averse-and-task-oriented-people-of-2024-who-save-a-lot",
        "a sk-learn-like-interface-for-all-the-models-that-we-have",
        "-----BEGIN PUBLIC KEY-----",
        "-----BEGIN CERTIFICATE-----",
        "eyJ is how a token begins",
        "hf_hub and npm_config_cache are settings",
        "the hash 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    ],
)
def test_what_only_looks_like_a_secret(text: str) -> None:
    assert reply_places("secrets", text) == []


@pytest.mark.parametrize("text", [GERMAN, FRENCH, CHINESE, GERMAN * 10])
def test_other_languages_are_found(text: str) -> None:
    ((severity, place),) = reply_places("language", text)
    assert severity == "warning"
    assert place == text[:400] or place == text


def test_a_change_of_language_shows_at_the_end() -> None:
    text = ENGLISH * 8 + GERMAN * 4
    assert reply_places("language", text) == [("warning", text[-400:])]


@pytest.mark.parametrize(
    ("text", "language"),
    [
        (ENGLISH, "en"),
        (ENGLISH.upper(), "en"),
        (GERMAN, "de"),
        (FRENCH, "fr"),
        (CHINESE, "zh"),
        (GERMAN, "tlh"),
        ("Ja, genau, danke!", "en"),
        ("Vanguard, Fidelity, Schwab, Roth IRA, 401(k), 529, HSA", "en"),
        ("Bonjour! Ça va?", "en"),
        ("", "en"),
        ("5.25 % 1,200.00 2024-03-14 " * 10, "en"),
        ("Café, naïve, Zoë and Jürgen: " + ENGLISH, "en"),
        ("A step → another step… “so far” — that’s it. 🎉 " + ENGLISH, "en"),
        ("Try it:\n```python\n" + "for entry in ledger.entries:\n    total += entry.amount\n" * 6 + "```", "en"),
    ],
)
def test_the_language_of_the_set_is_left_alone(text: str, language: str) -> None:
    assert reply_places("language", text, language=language) == []


@pytest.mark.parametrize(
    ("text", "places"),
    [
        (ENGLISH + " This is 非常 重要 to me. " + ENGLISH, ["非常 重要"]),
        (ENGLISH + " It is важно now.", ["важно"]),
        (ENGLISH + " α is a rate.", []),
    ],
)
def test_stray_characters_are_marked(text: str, places: list[str]) -> None:
    assert reply_places("language", text) == [("notice", place) for place in places]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("Her background: [object Object], she said.", "[object Object]"),
        ("Dear {{client_name}}, welcome.", "{{client_name}}"),
        ("Dear {{ client.name | title }}, welcome.", "{{ client.name | title }}"),
        ("Dear ${firstName}, welcome.", "${firstName}"),
        ("Dear [Your Name], welcome.", "[Your Name]"),
        ("Dear [client's name], welcome.", "[client's name]"),
        ("Meet at [Insert place here] at noon.", "[Insert place here]"),
        ("TODO: say more about fees.", "TODO:"),
        ("Lorem ipsum dolor sit amet.", "Lorem ipsum"),
        ("That isn't right, [Name], and it wasn't before.", "[Name]"),
    ],
)
def test_leftovers_are_found(text: str, place: str) -> None:
    assert reply_places("placeholder", text) == [("warning", place)]


@pytest.mark.parametrize(
    "text",
    [
        'Write to them: "Hello, I am [your name] and I ask for $[X] a month." Then wait.',
        "Say: 'I don't know yet, [name], but I'll call.' It works.",
        "Search for “[your state] plan” on the web.",
        "Use `{{name}}` in the template.",
        "```\nHello {{name}}, TODO: finish\n```",
        "See [your plan](https://bank.org/plan) for more.",
        "The set {1, 2} and the pair {{}, {1}} differ.",
        "It costs $5 {five} or [see note 3] so.",
        "My to-do: call. All that I had to do: nothing.",
        "[sighs] That is hard. [1] [2] [a]",
        "The objective is an object.",
    ],
)
def test_what_is_spoken_about_is_left_alone(text: str) -> None:
    assert reply_places("placeholder", text) == []
