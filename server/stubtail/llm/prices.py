"""What an answer costs, in whole billionths of a US dollar; pure."""

from dataclasses import dataclass

NANO = 1_000_000_000
MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class PriceTable:
    """Prices in nano-dollars for a million tokens."""

    input: int
    output: int
    cached_input: int
    cache_write: int

    @classmethod
    def of_dollars(
        cls,
        input_usd: float,
        output_usd: float,
        cached_usd: float,
        written_usd: float | None = None,
    ) -> "PriceTable":
        """From US dollars for a million tokens; what is written costs the input where not given."""
        written_usd = input_usd if written_usd is None else written_usd
        prices = (input_usd, output_usd, cached_usd, written_usd)
        return cls(*(round(price * NANO) for price in prices))

    def cost(
        self, input_tokens: int, output_tokens: int, cached_tokens: int, written_tokens: int = 0
    ) -> int:
        """Nano-dollars, rounded up: adding up many answers never comes out too low.

        Tokens that come from the provider's cache or are written into it are part of the input.
        """
        cached = min(cached_tokens, input_tokens)
        written = min(written_tokens, input_tokens - cached)
        total = (
            (input_tokens - cached - written) * self.input
            + cached * self.cached_input
            + written * self.cache_write
            + output_tokens * self.output
        )
        return -(-total // MILLION)
