"""The arguments of the commands about language models, and their help."""

import argparse

CHAT_TIMEOUT_S = 120.0  # answers are written at reading pace


def add_chat(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
    common: argparse.ArgumentParser,
    program: str,
    exit_codes: str,
) -> None:
    """Adds `chat`, `embed`, `llms` and `providers`."""
    chat = commands.add_parser(
        "chat",
        parents=[common],
        help="ask a language model",
        description="Ask a language model, and print its answer as it comes. Ctrl-C cancels it.",
        epilog=f"""\
examples:
  {program} chat fast "Why is the sky blue?"
  {program} chat fast --system "Answer in one sentence." --max-tokens 60 -- -5 plus 3?
  {program} chat fast - < question.txt
  {program} chat vision "What is this?" --image photo.png

{exit_codes}""",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    chat.add_argument("model", metavar="MODEL", help="an alias, PROVIDER/MODEL or a model")
    chat.add_argument("text", nargs="+", metavar="TEXT", help="what to say; - reads stdin")
    chat.add_argument("--system", metavar="TEXT", help="instructions for the model")
    chat.add_argument("--temperature", type=float, metavar="T", help="0 to 2: how much chance")
    chat.add_argument("--max-tokens", type=int, metavar="N", help="the longest answer")
    chat.add_argument("--seed", type=int, metavar="N", help="the same seed, the same answer")
    chat.add_argument(
        "--image", action="append", metavar="FILE|URL", help="an image; may be given several times"
    )
    chat.add_argument("--cache", action="store_true", help="a kept answer will do")
    chat.add_argument("--usage", action="store_true", help="tokens, cost and time on stderr")
    chat.add_argument("--json", action="store_true", help="one JSON object at the end instead")
    embed = commands.add_parser(
        "embed",
        parents=[common],
        help="the vectors of texts",
        description="Print the vector of each text as a JSON array on a line of its own.",
    )
    embed.add_argument("model", metavar="MODEL", help="an alias, PROVIDER/MODEL or a model")
    embed.add_argument(
        "texts", nargs="+", metavar="TEXT", help="the texts; - reads one a line from stdin"
    )
    commands.add_parser("llms", parents=[common], help="list all language models")
    providers = commands.add_parser(
        "providers", parents=[common], help="how the providers of language models are doing"
    )
    providers.add_argument("provider", nargs="?", default="", help="only this one (default: all)")
