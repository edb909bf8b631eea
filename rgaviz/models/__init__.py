"""Networks by name, each with named stages and an attention slot after every stage."""

from __future__ import annotations

from rgaviz.models.create import MODELS, create_model, model_heads, model_options, option_faults
from rgaviz.models.network import count_parameters

__all__ = ["MODELS", "count_parameters", "create_model", "model_heads", "model_options", "option_faults"]
