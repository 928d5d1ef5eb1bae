"""The catalogue of error codes: what `convc explain E0302` prints.

Codes are stable and grouped: E01 syntax, E02 names and files, E03 shapes, E04 arguments and values, E05 limits,
E06 parameters from outside.
"""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import Final


@dataclass(frozen=True, slots=True)
class Entry:
    """A code's page: a title, why it is an error, and optionally what is wrong and what is right."""

    title: str
    text: str
    wrong: str = ""
    right: str = ""


CATALOGUE: Final[dict[str, Entry]] = {
    "E0101": Entry(
        "syntax error",
        "The text cannot go on like this. The statement is skipped and the rest of the file is checked as usual.\n"
        "Arguments are written `name = value`; statements need no separator; comments begin with `#`.",
        "y = conv(x, 8, kernel: 3);",
        "y = conv(x, 8, kernel = 3)",
    ),
    "E0103": Entry(
        "bracket or string without its other end",
        "Every `(`, `[` and `{` needs its counterpart, a string ends on the line it begins on. In a string, `{` and\n"
        "`}` enclose an expression; `\\{` is the brace itself.",
        "y = conv(x, 8, 3\nz = relu(y)",
        "y = conv(x, 8, 3)\nz = relu(y)",
    ),
    "E0104": Entry(
        "nested too deeply",
        "Brackets, bodies, operators and calls can stand inside each other up to a limit that no readable file meets.\n"
        "Chains (`a + b + c`, `x |> f |> g`) may be of any length. Give inner parts a name, or make them a block.",
    ),
    "E0201": Entry(
        "unknown name",
        "A name is a variable of the block, a block of this file or of a file it imports, an op, or a padding rule\n"
        "(`half`, `same`, `same_lower`, `valid`, `causal`). A block sees nothing of its caller: pass it what it needs.",
        "block stem(x) { return conv(x, width, 3) }",
        "block stem(x, width) { return conv(x, width, 3) }",
    ),
    "E0202": Entry(
        "unknown op or block",
        "Only ops and blocks can be called. Ops have short lower-case names: `conv`, `linear`, `batchnorm`, `maxpool`.",
        "y = Conv2d(x, 8, 3)",
        "y = conv(x, 8, 3)",
    ),
    "E0203": Entry(
        "defined twice",
        "A file defines each block and each parameter once, and no two imported files define the same block.",
    ),
    "E0204": Entry(
        "file not found or not readable",
        "An import is looked up relative to the file it stands in. Files are UTF-8 text.",
    ),
    "E0205": Entry(
        "import outside the project",
        "The project is the folder of the file being compiled, and what lies below it. Absolute paths, `..` out of it\n"
        "and symbolic links out of it are refused, so that compiling a file never reads anything else.",
        'import "../../shared/blocks.conv"',
        'import "blocks.conv"',
    ),
    "E0206": Entry(
        "circular import",
        "Two files import each other, directly or through others. Move what both need into a third file.",
    ),
    "E0207": Entry(
        "no network, or several",
        "The file that is compiled holds exactly one `network`. Files with blocks only are there to be imported.",
    ),
    "E0208": Entry(
        "no result",
        "Every network, block and fused region ends with `return`. A `return` inside an `if` counts only when it is\n"
        "reached.",
        "block stem(x) { y = relu(x) }",
        "block stem(x) { return relu(x) }",
    ),
    "E0209": Entry(
        "unknown property",
        "A tensor has `batch`, `channels`, `height`, `width`, `length` (the last dimension) and `rank`.\n"
        "After `flatten` there is no height or width any more.",
        "n = x.shape",
        "n = x.channels",
    ),
    "E0210": Entry(
        "name taken",
        "Names of nodes and weights are unique, because weights are bound by name. Two layers share a weight only\n"
        'where both ask for it: `weight = "shared.weight"`, and then the shapes must agree.',
        'y = conv(x, 8, 3, name = "c")\nz = conv(y, 8, 3, name = "c")',
        'y = conv(x, 8, 3, name = "c1")\nz = conv(y, 8, 3, name = "c2")',
    ),
    "E0211": Entry(
        "not a name",
        "A name consists of letters, digits and `_`, in parts separated by dots; it begins with a letter and is not a\n"
        "word of the language.",
        'y = conv(x, 8, 3, name = "3x3-conv")',
        'y = conv(x, 8, 3, name = "conv3x3")',
    ),
    "E0301": Entry(
        "wrong number of dimensions",
        "Convolution and pooling take [n, c, h, w]; `linear` works along the last axis, so maps go through `flatten`\n"
        "first.",
        "y = x |> global_avgpool |> linear(10)",
        "y = x |> global_avgpool |> flatten |> linear(10)",
    ),
    "E0302": Entry(
        "kernel does not fit its input",
        "The window, spread by its dilation, is larger than the padded input:\n"
        "(kernel - 1) * dilation + 1 > size + padding. Often an earlier stride was too large.",
        "y = conv(x, 8, 7)          # x: f32[1, 3, 4, 4]",
        "y = conv(x, 8, 7, pad = 2)",
    ),
    "E0303": Entry(
        "weights do not fit the input",
        "A convolution's weights are [oc, ic / groups, kh, kw], a linear layer's [oc, ic], statistics are [c].",
    ),
    "E0304": Entry(
        "not a padding",
        "`pad` is a number for all sides, a number per axis (height, width), two per axis, those before and then\n"
        "those after (top, left, bottom, right), or a rule: `half` (half the kernel's reach on both sides, as torch's\n"
        "networks have it), `same` (TensorFlow's; the odd one goes to the end), `same_lower` (to the beginning),\n"
        "`valid` (none) and `causal` (all of it before).",
        "y = conv(x, 8, 3, pad = full)",
        "y = conv(x, 8, 3, pad = same)",
    ),
    "E0305": Entry(
        "too small",
        "Channels, kernels, strides, dilations and sizes are at least 1, and there is one for each spatial axis.",
    ),
    "E0306": Entry(
        "groups must divide the channels",
        "A grouped convolution splits both its input and its output channels evenly.",
        "y = conv(x, 32, 3, groups = 3)   # 32 / 3 is not whole",
        "y = conv(x, 32, 3, groups = 4)",
    ),
    "E0307": Entry(
        "a pooling window would lie in the padding",
        "With as much padding as the window spans, a window would hold no element of the map; it has no maximum and\n"
        "no mean.",
        "y = maxpool(x, 2, pad = 2)",
        "y = maxpool(x, 2, pad = 1)",
    ),
    "E0308": Entry("no such axis", "Axes count from 0; negative ones count from the end."),
    "E0309": Entry(
        "shapes do not fit together",
        "Tensors are combined element by element; shapes are aligned at the last axis and an extent of 1 is repeated\n"
        "(NumPy's broadcasting). In a residual block the shortcut needs the same channels and stride as the main path.",
        "return relu(conv(x, 128, 3, stride = 2, pad = 1) + x)",
        "return relu(conv(x, 128, 3, stride = 2, pad = 1) + conv(x, 128, 1, stride = 2))",
    ),
    "E0310": Entry("shapes do not fit in concat", "All extents but the one along `axis` must be equal."),
    "E0311": Entry(
        "reshape changes the number of elements",
        "The product of the extents stays the same; one extent may be -1 and is worked out.",
    ),
    "E0320": Entry(
        "not an order of the axes",
        "`transpose` names every axis once: dimension i of the result is dimension order[i] of the input.",
        "y = transpose(x, [0, 2, 2, 1])",
        "y = transpose(x, [0, 2, 3, 1])",
    ),
    "E0321": Entry(
        "empty slice",
        "`begin`, `end` and `step` are Python's: negative numbers count from the end, `end` is not taken. With a\n"
        "negative step `begin` comes after `end`.",
        "y = slice(x, 1, 8, 4)",
        "y = slice(x, 1, 8, 4, step = -1)",
    ),
    "E0322": Entry(
        "pieces do not make up the axis",
        "The sizes of a `split` are at least 1 and add up to the extent of its axis.",
        "a, b = split(x, [8, 16])   # x: f32[1, 32, 9, 9]",
        "a, b = split(x, [8, 24])",
    ),
    "E0323": Entry("no such index", "Indices count from 0; negative ones count from the end."),
    "E0324": Entry(
        "padding does not fit the tensor",
        "`pad` takes one number, or the numbers before each spatial axis and then those after, or these of every\n"
        "axis. Negative numbers crop, and must leave something. A mirror image is shorter by one than what it mirrors.",
        "y = pad(x, [1, 2, 3])          # x: f32[1, 3, 8, 8]",
        "y = pad(x, [1, 2, 1, 2])",
    ),
    "E0325": Entry(
        "the block does not divide the tensor",
        "`depth_to_space` needs channels in multiples of block x block, `space_to_depth` such a height and width.",
    ),
    "E0326": Entry("not an axis of extent 1", "`squeeze` takes away axes of extent 1 only; `reshape` does more."),
    "E0327": Entry("not a norm", "`lp_norm` knows p = 1, the sum of magnitudes, and p = 2, the Euclidean length."),
    "E0328": Entry(
        "matrices do not fit",
        "The left one has as many columns as the right one has rows; what is before the last two axes is broadcast.",
        "y = matmul(a, b)               # a: f32[4, 8], b: f32[4, 8]",
        "y = matmul(a, b, transpose_b = true)",
    ),
    "E0340": Entry(
        "offsets or mask do not fit",
        "A deformable convolution takes a pair of offsets, and with a mask a number, for each tap, output and offset\n"
        "group: [n, 2 * offset_groups * kh * kw, oh, ow] and [n, offset_groups * kh * kw, oh, ow].",
        "y = deform_conv(x, conv(x, 9, 3, pad = 1), 8, 3, pad = 1)",
        "y = deform_conv(x, conv(x, 18, 3, pad = 1), 8, 3, pad = 1)",
    ),
    "E0341": Entry(
        "not a size to resize to",
        "The extents of the result are at least 1; given by `scale` they are floor(input * scale), which is positive.",
        "y = resize(x, scale = 0)",
        "y = resize(x, scale = 0.5)",
    ),
    "E0401": Entry(
        "unknown argument",
        "The op or block has no argument of that name. Every call also takes `name = \"...\"`.",
        "y = conv(x, 8, 3, padding = 1)",
        "y = conv(x, 8, 3, pad = 1)",
    ),
    "E0402": Entry("missing argument", "An argument without a default must be given.", "y = conv(x, 8)",
                   "y = conv(x, 8, 3)"),
    "E0403": Entry(
        "too many arguments",
        "More arguments by position than there are parameters, or one by position after one by name. In a pipe the\n"
        "piped tensor is the first argument.",
        "y = x |> conv(x, 8, 3, 1, 1, 1, 1, true, 2)",
        "y = x |> conv(8, 3)",
    ),
    "E0404": Entry("argument given twice", "By position and by name, or by name twice.",
                   "y = conv(x, 8, 3, kernel = 3)", "y = conv(x, 8, 3)"),
    "E0405": Entry(
        "wrong kind of value",
        "A number where a tensor is needed, a fraction where a whole number is, and so on. `+ - * /` work on numbers\n"
        "and on tensors; `+` also joins lists.",
    ),
    "E0406": Entry("not callable", "Only ops and blocks (also as values: `act = relu`) can be called."),
    "E0407": Entry(
        "inexact division",
        "Whole numbers divide to whole numbers. Where the division leaves a remainder, a size would silently be\n"
        "wrong, so it is an error. `%` gives the remainder.",
        "groups = 10 / 4",
        "groups = (10 - 10 % 4) / 4",
    ),
    "E0408": Entry(
        "type is not as written",
        "Types are inferred; a written type is a check, and this one does not hold. `_` stands for any extent. Only\n"
        "the direct result of an op can be given another layout by its written type.",
        "y: f32[1, 8, 4, 4] = conv(x, 8, 3)   # x: f32[1, 3, 8, 8]",
        "y: f32[1, 8, 6, 6] = conv(x, 8, 3)",
    ),
    "E0409": Entry("wrong number of results", "As many names stand on the left as there are results on the right."),
    "E0410": Entry(
        "not a condition",
        "Conditions are `true` or `false`; numbers and tensors are neither. Conditions are decided when the network\n"
        "is built and cannot depend on what is in a tensor.",
        "if stride { ... }",
        "if stride != 1 { ... }",
    ),
    "E0411": Entry("assertion failed", "An `assert` of the source does not hold; both sides are shown."),
    "E0412": Entry("no such item", "Items of a list count from 0; negative numbers count from the end."),
    "E0501": Entry("network too large", "More than 50000 nodes; a loop's bound is probably not what was meant."),
    "E0502": Entry("calls too deep", "Blocks may call themselves, but must come to an end within 32 calls."),
    "E0503": Entry("too long to build", "Loops and calls took more than 250000 steps."),
    "E0504": Entry("value too large", "Bounds: 2^62 for whole numbers, 4096 characters, 10000 items of a list."),
    "E0601": Entry("unknown network parameter", "The network's header has no such parameter.",
                   'convc.load("net.conv", clases=10)', 'convc.load("net.conv", classes=10)'),
    "E0602": Entry("wrong value for a network parameter", "A value given from outside has the kind of the default."),
    "E0603": Entry("network parameter without a value", "It has no default, so it must be given from outside."),
}  # fmt: skip


def explain(code: str) -> str:
    """The page of a code. Raises `KeyError` with a message that names the nearest code."""
    wanted = code.strip().upper()
    if wanted not in CATALOGUE:
        near = get_close_matches(wanted, CATALOGUE, n=1)
        hint = f"; did you mean {near[0]}?" if near else "; codes look like E0302"
        raise KeyError(f"no error code {code}{hint}")
    entry = CATALOGUE[wanted]
    parts = [f"{wanted}: {entry.title}", entry.text]
    for word, example in (("wrong", entry.wrong), ("right", entry.right)):
        if example:
            parts.append(f"{word}:\n" + "\n".join(f"    {line}" for line in example.split("\n")))
    return "\n\n".join(parts) + "\n"
