"""HTML of 911 notes as plain text."""

from __future__ import annotations

import re
from html import unescape

import nh3

from apps.dispatch.wire import words

_LINES = words(
    "address article aside blockquote br dd div dl dt fieldset footer h1 h2 h3 h4 h5 h6 header hr"
    " li main nav ol p pre section table td th tr ul"
)
_OTHER = words(
    "a abbr acronym area audio b base bdi bdo big body button canvas caption center cite code col"
    " colgroup data datalist del details dfn dialog dir em embed figcaption figure font form frame"
    " frameset head html i iframe img input ins kbd label legend link map mark menu meta meter"
    " nobr noframes noscript object optgroup option output param picture plaintext progress q rp rt"
    " ruby s samp script select slot small source span strike strong style sub summary sup svg math"
    " tbody template textarea tfoot thead time title track tt u var video wbr xmp"
)
# A tag has a name and, before its ">", nothing or attributes.
_TAG = re.compile(
    r"<(?:(?=/?(?P<name>[A-Za-z][A-Za-z0-9-]*)(?P<rest>\s*/?>|\s[^<>=]*=[^<]*>)?)|(?=[!?]))"
)
_DOCTYPE = re.compile(r"<!doctype[^<>]*>", re.IGNORECASE)
_ANY_TAG = re.compile(r"<[^>]*>")
_SPACES = re.compile(r"[ \t\u00a0]+")
_MARKUP = re.compile(r"</?[A-Za-z!]|&[#A-Za-z]")


def to_text(html: str) -> str:
    """The text of a note, one line for each block; scripts, styles and markup are gone.

    Angle brackets that are no HTML are words of the note ("<knife in hand>", "<i think armed") and
    stay. The result is plain text, not HTML: it may hold `<` and `&`, to be escaped by whoever
    shows it.
    """
    if not _MARKUP.search(html):
        return html.strip()
    html = _DOCTYPE.sub("", html)
    last_comment = html.rfind("-->")

    def keep_words(match: re.Match[str]) -> str:
        if match["name"] is None:
            is_markup = html.startswith("<!--", match.start()) and match.start() < last_comment
        else:
            is_markup = match["rest"] is not None and match["name"].lower() in _LINES | _OTHER
        return "<" if is_markup else "&lt;"

    escaped = _TAG.sub(keep_words, html)
    # Without attributes, what nh3 returns has no ">" inside a tag.
    safe = nh3.clean(escaped, tags=set(_LINES), attributes={}, link_rel=None)
    text = unescape(_ANY_TAG.sub("\n", safe))
    lines = (line.strip() for line in _SPACES.sub(" ", text).split("\n"))
    return "\n".join(line for line in lines if line)
