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

    @classmethod
    def of_dollars(cls, input_usd: float, output_usd: float, cached_usd: float) -> "PriceTable":
        """From US dollars for a million tokens."""
        return cls(round(input_usd * NANO), round(output_usd * NANO), round(cached_usd * NANO))

    def cost(self, input_tokens: int, output_tokens: int, cached_tokens: int) -> int:
        """Nano-dollars, rounded up: adding up many answers never comes out too low."""
        cached = min(cached_tokens, input_tokens)
        total = (
            (input_tokens - cached) * self.input
            + cached * self.cached_input
            + output_tokens * self.output
        )
        return -(-total // MILLION)
