import pytest

from pypedream.log.event_log import EventLog
from pypedream.log.redaction import Redactor, is_secret_name
from pypedream.log.sinks import MemorySink

KEY = "-----BEGIN KEY-----\nMIIEvgIBADANBg\n  kqhkiG9w0BAQ\nab=\n-----END KEY-----\n"


@pytest.mark.parametrize(
    "text",
    ["hunter2", "say hunter2!", "hunter2hunter2", "x=hunter2&y", "['hunter2']", "\x1b[1mhunter2"],
)
def test_a_secret_is_hidden_wherever_it_stands(text):
    """No part of a registered value remains in a text."""
    redacted = Redactor(["hunter2"]).text(text)

    assert "hunter" not in redacted
    assert "***" in redacted


@pytest.mark.parametrize("value", ["", "a", "abc", "  a  ", "\n\n"])
def test_a_short_value_is_not_searched_for(value):
    """To hide every "a" would hide the log, and tell the value."""
    redactor = Redactor([value])

    assert not redactor
    assert redactor.text("a banana") == "a banana"


def test_each_line_of_a_secret_is_hidden():
    """What is printed comes line by line, so each long enough line is a secret."""
    redactor = Redactor([KEY])

    lines = [redactor.text(line) for line in KEY.split("\n")]

    assert lines == ["***", "***", "  ***", "ab=", "***", ""]


@pytest.mark.parametrize("form", [repr, ascii, str], ids=lambda form: form.__name__)
@pytest.mark.parametrize("value", ['pa"ss\\word', "pa'ss\tword", "pässwörd€", "p@ss word/?&"])
def test_a_secret_is_hidden_in_its_repr(value, form):
    """Quotes, backslashes and letters beyond ASCII look different in a repr."""
    assert Redactor([value]).text(f"value={form(value)}") in (
        "value='***'",
        'value="***"',
        "value=***",
    )


def test_a_secret_is_hidden_in_a_url_and_in_json():
    """The usual escapes are known as well."""
    redactor = Redactor(['p@ss "word'])

    assert redactor.text("https://me:p%40ss%20%22word@host") == "https://me:***@host"
    assert redactor.text('{"key": "p@ss \\"word"}') == '{"key": "***"}'


def test_the_longest_secret_is_hidden_first():
    """A secret that begins like another leaves nothing behind."""
    assert Redactor(["pass", "password"]).text("password") == "***"


def test_data_is_copied_without_secrets():
    """Values and names are looked at, at any depth; the original is left alone."""
    data = {"user": "me", "note": ["hunter2 is it"], "password": 5, "number": 12345678}

    redacted = Redactor(["hunter2", "12345678"]).data(data)

    assert redacted == {"user": "me", "note": ["*** is it"], "password": "***", "number": "***"}
    assert data["note"] == ["hunter2 is it"]


@pytest.mark.parametrize(
    "name",
    [
        "password",
        "PASSWORD",
        "db_password",
        "dbPassword",
        "password2",
        "secret",
        "client-secret",
        "api_key",
        "apiKey",
        "API_KEY",
        "apikey",
        "AWS_SECRET_ACCESS_KEY",
        "access_key",
        "private_key",
        "token",
        "auth_token",
        "GITHUB_TOKEN",
        "refreshToken",
        "credentials",
        "passphrase",
        "Authorization",
    ],
)
def test_a_name_that_sounds_secret(name):
    """Its value is hidden whatever it is."""
    assert is_secret_name(name)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "1",
        "author",
        "bypass",
        "key",
        "monkey",
        "n_tokens",
        "passed",
        "primary_key",
        "rows",
        "secretary",
        "token_count",
        "tokenizer",
        "tokens",
        "état",
    ],
)
def test_a_name_that_does_not(name):
    """Words that only resemble do not hide what a user wants to read."""
    assert not is_secret_name(name)


class BrokenRedactor(Redactor):
    def __bool__(self):
        return True

    def text(self, text):
        raise RuntimeError("broken")


def test_a_redactor_that_fails_drops_the_text_and_keeps_the_event():
    """What cannot be checked is not shown; that something happened is."""
    sink = MemorySink()
    log = EventLog("run-1", sinks=[sink], redactor=BrokenRedactor([]))

    log.add("log", "hunter2", data={"a": "hunter2", "n": 1})
    log.close()

    (event,) = sink.events
    assert event.kind == "log"
    assert "hunter2" not in repr(event)


def test_a_secret_is_in_no_output(tmp_path):
    """Lines, events and the console of a run with a secret never show it, on any of these ways."""
    import io

    from pypedream.context import Attempt
    from pypedream.log import ConsoleSink, JsonLinesSink
    from pypedream.log.ended import Ended

    secret = 'hun"ter2\\9'
    stream, path = io.StringIO(), tmp_path / "log.jsonl"
    seen = []
    console = ConsoleSink(progress=True, stream_of=lambda name: stream)
    sinks = [console, JsonLinesSink(path), seen.append]
    log = EventLog("run-1", sinks=sinks, redactor=Redactor([secret]))
    attempt = Attempt(log, "load")
    attempt.item, attempt.data = secret, {"logged": [secret], "frame": {secret: 1}}
    error = ValueError(f"wrong {secret}")

    log.add("run.start", data={"parameters": {"a": secret, "b": (secret,), "c": {1: secret}}})
    log.add("print", f"it is {secret}", attempt=attempt, stream="stdout")
    log.add("print", repr({"x": secret}), attempt=attempt, stream="stderr")
    log.add("log", f"{secret}", attempt=attempt, level="error", data={"exception": secret})
    log.add("warning", secret, attempt=attempt, data={"file": secret, "line": 1})
    log.add("progress", secret, attempt=attempt, data={"done": 1, "total": secret})
    log.records.append(
        (9, log.start_ns, attempt, "stage.end", "error", None, None, Ended("failed", error=error))
    )
    log.close()

    outputs = [path.read_text(encoding="utf-8"), stream.getvalue(), *map(repr, seen)]
    outputs += map(repr, log.events)
    assert len(seen) == len(log.events) == 7
    for output in outputs:
        assert "ter2" not in output
