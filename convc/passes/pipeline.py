"""The passes in order: one visible tuple."""

from __future__ import annotations

from convc.ir.graph import Graph
from convc.options import Options
from convc.passes.assign_layouts import AssignLayouts
from convc.passes.base import Pass, Stages, run_passes
from convc.passes.fold_batch_norm import FoldBatchNorm
from convc.passes.fuse_epilogue import FuseEpilogue
from convc.passes.place_concat import PlaceConcat
from convc.passes.recognise_activations import RecogniseActivations
from convc.passes.remove_dead import RemoveDead
from convc.passes.remove_identities import RemoveIdentities


def pipeline(options: Options) -> tuple[Pass, ...]:
    """The passes that run at the options' level."""
    everything: tuple[Pass, ...] = (
        RemoveIdentities(),
        RecogniseActivations(),
        RemoveDead(),  # before folding and fusing, which look at who reads a value; they leave nothing dead themselves
        FoldBatchNorm(),
        FuseEpilogue(),
        AssignLayouts(options.target.lanes),
        PlaceConcat(),
    )
    return tuple(item for item in everything if item.level <= options.level)


def run_pipeline(graph: Graph, options: Options) -> Stages:
    """The graph after each pass of the pipeline; see `run_passes`."""
    return run_passes(graph, pipeline(options))
