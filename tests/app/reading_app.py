"""What a run of the app shows, as text."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest

__all__ = ["labels", "words_of"]


def words_of(app: AppTest) -> str:
    """Everything that is said: titles, text, captions, errors."""
    shown = [*app.header, *app.subheader, *app.markdown, *app.text, *app.caption, *app.error]
    return "\n".join(str(element.value) for element in shown)


def labels(app: AppTest) -> list[str]:
    """The words on every button."""
    return [button.label for button in app.button]
