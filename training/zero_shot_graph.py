"""Fracast-0 as one ONNX graph for one series, in the operators that ONNX Runtime runs fastest.

Nine tenths of a run are ten stages on 2,048 rows of 64 numbers: a dilated convolution of each
column, and four matrix products. Written as the package has them, a run takes a third longer.
"""

from collections.abc import Callable
from typing import Any, Final

import onnx

from stubtail.forecasting.task import CONTEXT_MAX

OPSET: Final = 18


def graph_of(package: Any, description: str) -> bytes:
    """`values` and `mask` float32 [1, 2048], scaled to 0..1, to `quantiles` [1, 48, 9].

    One series in a run: eight together take ten times as long as one, as the activations of one
    fill the cache. With the size fixed, shapes are computed when the graph is loaded.

    Args:
        package: a `fracast.inference.FracastModel`; its layers are rewritten, so that it must not
            be asked for forecasts afterwards.
        description: of the graph.
    """
    import torch  # noqa: PLC0415 - an extra

    _rewrite(package)
    core, head = package.core, package.head

    class Whole(torch.nn.Module):  # type: ignore[misc]  # torch is not installed for mypy
        """The encoder and the head as one function of two tensors."""

        def __init__(self) -> None:
            super().__init__()
            self.core, self.head = core, head

        def forward(self, values: Any, mask: Any) -> Any:
            """The quantiles."""
            rows, known = values[:, None, :], mask[:, None, :] > 0.5
            hidden = self.core(rows, known, known.to(torch.float32))
            return self.head.forward_horizon(
                hidden, last_obs=rows[:, 0, -1:], ctx=rows[:, 0], ctx_mask=known[:, 0]
            )

    program = torch.onnx.export(
        Whole().eval(),
        (torch.rand(1, CONTEXT_MAX), torch.ones(1, CONTEXT_MAX)),
        dynamo=True,
        opset_version=OPSET,
        external_data=False,
        verbose=False,
        input_names=["values", "mask"],
        output_names=["quantiles"],
    )
    made = program.model_proto
    for holder in (made.graph, *made.graph.node):
        del holder.metadata_props[:]  # names of files and lines of the machine that exported
        holder.doc_string = ""
    for value in made.graph.value_info:
        del value.metadata_props[:]
    made.doc_string = description
    onnx.checker.check_model(made, full_check=True)
    return bytes(made.SerializeToString(deterministic=True))


def _rewrite(package: Any) -> None:
    """Writes layers in other operators; what they compute stays the same.

    A linear layer on a matrix is one Gemm with its bias. A norm is written as ONNX Runtime knows it
    and fuses it. The two halves of SwiGLU as two products need no split.
    """
    import fracast._core.gather_head as head_module  # noqa: PLC0415 - an extra
    import fracast._core.periodic.encoder as phases  # noqa: PLC0415
    import fracast._core.self_similar_block as blocks  # noqa: PLC0415
    import torch  # noqa: PLC0415

    def linear(self: Any, rows: Any) -> Any:
        return _product(torch, rows, self.weight, self.bias)

    def gated(self: Any, rows: Any) -> Any:
        half = self.up.weight.shape[0] // 2
        gate = _product(torch, rows, self.up.weight[:half], self.up.bias[:half])
        value = _product(torch, rows, self.up.weight[half:], self.up.bias[half:])
        return self.down(torch.nn.functional.silu(gate) * value)

    def norm(layer: Any, rows: Any, gain: Any = None) -> Any:
        weight = layer.weight if gain is None else layer.weight * gain
        least = layer.eps if layer.eps is not None else torch.finfo(torch.float32).eps
        size = torch.pow(rows, 2.0).mean(-1, keepdim=True)
        return rows / torch.sqrt(size + least) * weight

    torch.nn.Linear.forward = linear
    torch.nn.RMSNorm.forward = norm
    blocks.SwiGLU.forward = gated
    blocks._norm_fp32 = norm  # noqa: SLF001 - its own name for it
    head_module._norm_fp32 = norm  # noqa: SLF001
    _rewrite_stages(torch, blocks, package.core, norm)
    _look_once(phases, head_module)


def _rewrite_stages(torch: Any, blocks: Any, core: Any, norm: Callable[..., Any]) -> None:
    """The convolution of a stage, and its scale.

    A convolution in two dimensions, one of them of size 1, has a kernel for columns of their own,
    which one in one dimension has not. The gain of a scale is a part of the norm before it.
    """
    scales = core.dilations()
    with torch.no_grad():
        gamma, beta = core.scale.gamma_beta(scales).chunk(2, dim=-1)
    gains = {scale: 1.0 + row.clone() for scale, row in zip(scales, gamma, strict=True)}
    shifts = {scale: row.clone() for scale, row in zip(scales, beta, strict=True)}

    def block(self: Any, rows: Any, dilation: int) -> Any:
        flat = rows.squeeze(0)
        ahead = flat.reshape(1, 1, *flat.shape).permute(0, 3, 1, 2)
        columns = torch.nn.functional.conv2d(
            torch.nn.functional.pad(ahead, ((self.kernel - 1) * dilation, 0)),
            self.dw_weight[:, :, None],
            self.dw_bias,
            dilation=(1, dilation),
            groups=self.d,
        )
        seen = columns.permute(0, 2, 3, 1).reshape(flat.shape)
        flat = norm(self.norm1, flat + self.pw(seen))
        gain = gains.get(2 * dilation) if self is core.block else None
        return norm(self.norm2, flat + self.ffn(flat), gain).unsqueeze(0)

    def condition(self: Any, rows: Any, dilation: int) -> Any:
        del self
        first = rows * gains[1] if dilation == 1 else rows
        return first + shifts[dilation]

    blocks.SelfSimilarBlock.forward = block
    blocks.ScaleCondition.forward = condition


def _look_once(phases: Any, head_module: Any) -> None:
    """The head looks for the same periods in the same values as the encoder."""
    search = phases.significant_periods
    found: list[Any] = []

    def periods(*given: Any, **options: Any) -> Any:
        found.append(search(*given, **options))
        return found[-1]

    phases.significant_periods = periods
    head_module.detect_periods = lambda *_, **__: found[-1][0]


def _product(torch: Any, rows: Any, weight: Any, bias: Any) -> Any:
    shape = rows.shape
    if len(shape) == 2:
        return torch.addmm(bias, rows, weight.t())
    flat = torch.addmm(bias, rows.reshape(-1, shape[-1]), weight.t())
    return flat.reshape(*shape[:-1], weight.shape[0])
