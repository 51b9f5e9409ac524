"""Takes secrets out of text that people will read: log lines, messages about wrong settings.

Secrets are kept in `Secret`, which shows itself to nobody. This is the second line: for what other
libraries say, and for a key that somebody wrote where a name belongs.
"""

import re
from typing import Final

MARK: Final = "***"
_PROVIDER_KEY: Final = r"\b(sk|gsk|rk|pk|xai|hf|ghp|gho|glpat|xox[abps])([-_])[A-Za-z0-9_-]{16,}"
_NAMES: Final = r"api[_-]?key|secret|password|passwd|(?:access|refresh|id|auth)_token"
_NAMED: Final = rf"""(?i)(\b(?:{_NAMES})\b[\\"']{{0,8}}\s*[:=]\s*[\\"']{{0,8}})[^\s"',;&\\]{{4,}}"""
# With line ends as they are, or as text in text has them.
_PRIVATE_KEY: Final = r"-----BEGIN ([A-Z ]{0,32})PRIVATE KEY-----([A-Za-z0-9+/=:,\s-]|\\{1,8}[nr])*"
_PATTERNS: Final = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        # Credentials in a header or in a copied command line; "basic words" are none.
        (r"(?i)\b(bearer|basic)(\s+)(?=[^\s]*[0-9=_.])[A-Za-z0-9._~+/=-]{12,}", rf"\1\2{MARK}"),
        # Our own keys; the id stays, so that people know which one to withdraw.
        (r"\b(stk_[a-z0-9]{8}_)[A-Za-z0-9_-]{16,}", rf"\1{MARK}"),
        # JSON Web Tokens.
        (r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]*)?", f"jwt {MARK}"),
        # Keys of providers and of clouds, by their published beginnings.
        (_PROVIDER_KEY, rf"\1\2{MARK}"),
        (r"\bAIza[A-Za-z0-9_-]{30,}", f"AIza{MARK}"),
        (r"\b(AKIA|ASIA)[A-Z0-9]{16}\b", rf"\1{MARK}"),
        # Passwords in addresses.
        (r"(\b[a-z][a-z0-9+.-]{1,20}://[^\s/:@]{0,256}:)[^\s/@]{1,256}@", rf"\1{MARK}@"),
        # Whatever is called a secret, quoted or not, in JSON within JSON as well.
        (_NAMED, rf"\1{MARK}"),
        (_PRIVATE_KEY, f"key {MARK} "),
    )
)
# Nothing above matches a text without one of these: most lines are done after this one look.
_HINTS: Final = re.compile(
    r"(?i)bearer|basic|stk_|eyJ|sk[-_]|rk[-_]|pk[-_]|xai|hf_|gh[po]_|glpat|AIza|xox|AKIA|ASIA|://"
    r"|key|secret|passw|_token"
)


def redact(text: str) -> str:
    """The text without what looks like a secret."""
    if _HINTS.search(text) is None:
        return text
    for pattern, replacement in _PATTERNS:
        text = pattern.sub(replacement, text)
    return text
