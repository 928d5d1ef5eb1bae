"""The passes in order: one visible tuple."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from convc.diagnostics import ConvcError
from convc.ir.graph import Graph
from convc.options import Options, Target
from convc.passes.assign_layouts import AssignLayouts
from convc.passes.base import Pass, Stages, run_passes
from convc.passes.fold_batch_norm import FoldBatchNorm
from convc.passes.fold_movement import FoldMovement
from convc.passes.fold_resize import FoldResize
from convc.passes.fuse_depthwise import FuseDepthwise
from convc.passes.fuse_epilogue import FuseEpilogue
from convc.passes.fuse_expansion import FuseExpansion
from convc.passes.fuse_movement import FuseMovement
from convc.passes.fuse_pool import FusePool
from convc.passes.fuse_prologue import FusePrologue
from convc.passes.merge_branches import MergeBranches
from convc.passes.place_concat import PlaceConcat
from convc.passes.place_slices import PlaceSlices
from convc.passes.recognise_activations import RecogniseActivations
from convc.passes.recognise_norms import RecogniseNorms
from convc.passes.remove_dead import RemoveDead
from convc.passes.remove_identities import RemoveIdentities
from convc.passes.unstack import Unstack


def pipeline(options: Options) -> tuple[Pass, ...]:
    """The passes that run at the options' level, but for those switched off by name."""
    return tuple(p for p in all_passes(options.target) if p.level <= options.level and p.name not in options.without)


def all_passes(target: Target) -> tuple[Pass, ...]:
    """Every pass, in order."""
    return (
        RemoveIdentities(),
        RecogniseActivations(),
        RecogniseNorms(),
        Unstack(),
        FoldMovement(),
        RemoveDead(),  # before folding and fusing, which look at who reads a value; they leave nothing dead themselves
        FoldBatchNorm(),
        MergeBranches(),
        FoldResize(),
        FuseEpilogue(),
        AssignLayouts(target.lanes),
        PlaceConcat(),
        FuseMovement(),
        PlaceSlices(),
        FuseDepthwise(),
        FuseExpansion(),
        FusePrologue(),
        FusePool(),
    )


def check_names(names: Iterable[str], target: Target) -> tuple[str, ...]:
    """`names` of passes, each once, in the order they run.

    Raises:
        ConvcError: There is no pass of such a name.
    """
    wanted, known = set(names), [item.name for item in all_passes(target)]
    for name in sorted(wanted.difference(known)):
        near = get_close_matches(name, known, 1)
        hint = f"; did you mean `{near[0]}`?" if near else ""
        raise ConvcError(f"unknown pass `{name}`{hint}\n  there are: {', '.join(known)}")
    return tuple(name for name in known if name in wanted)


def run_pipeline(graph: Graph, options: Options) -> Stages:
    """The graph after each pass of the pipeline; see `run_passes`."""
    return run_passes(graph, pipeline(options))
