"""Judging parts with ONNX Runtime: needs only onnxruntime, numpy and numba, and so fits the gateway."""

from __future__ import annotations

from lineside.adapters.onnx_judge.judge import OnnxJudge

__all__ = ["OnnxJudge"]
