"""Weights: files, binding by name, seeded random ones."""

from convc.weights.safetensors import write as save_safetensors
from convc.weights.store import Weights

__all__ = ["Weights", "save_safetensors"]
