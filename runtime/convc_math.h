/* Elementwise functions on vectors: what everything else is made of, the exponential and its kin, the logarithm.
 *
 * NaN stays NaN in every function: comparisons are false for it, and the operand passes through. Errors are in units in
 * the last place of a float32, measured against float64 over the stated range (tests/kernels/test_math.py). Activations
 * are in convc_activation.h, what networks rarely use is in convc_double.h. */
#ifndef CONVC_MATH_H
#define CONVC_MATH_H

#include "convc_vector.h"

/* The larger and the smaller of x and a bound that is not NaN: x < bound ? bound : x, and x > bound ? bound : x. x86 has
 * instructions of just this meaning, which compilers do not find for vectors; written out it is three or four. */
#if CONVC_LANES > 1 && CONVC_IN_REGISTER && defined(__AVX__)
CONVC_INLINE vf convc_max(vf x, vf bound) { vf y; __asm__("vmaxps %2, %1, %0" : "=v"(y) : "v"(bound), "v"(x)); return y; }
CONVC_INLINE vf convc_min(vf x, vf bound) { vf y; __asm__("vminps %2, %1, %0" : "=v"(y) : "v"(bound), "v"(x)); return y; }
#elif CONVC_LANES > 1 && CONVC_IN_REGISTER
CONVC_INLINE vf convc_max(vf x, vf bound) { __asm__("maxps %1, %0" : "+x"(bound) : "x"(x)); return bound; }
CONVC_INLINE vf convc_min(vf x, vf bound) { __asm__("minps %1, %0" : "+x"(bound) : "x"(x)); return bound; }
#else
CONVC_INLINE vf convc_max(vf x, vf bound) { return convc_select(x < bound, bound, x); }
CONVC_INLINE vf convc_min(vf x, vf bound) { return convc_select(x > bound, bound, x); }
#endif

/* The larger and the smaller of two operands; NaN where either is: a NaN in `b` comes out of the above. */
#if CONVC_LANES > 1 && CONVC_IN_REGISTER
CONVC_INLINE vf convc_maximum(vf a, vf b) { return (vf)((vi)convc_max(b, a) | (a != a)); }
CONVC_INLINE vf convc_minimum(vf a, vf b) { return (vf)((vi)convc_min(b, a) | (a != a)); }
#else
CONVC_INLINE vf convc_maximum(vf a, vf b) { return convc_select((a < b) | (b != b), b, a); }
CONVC_INLINE vf convc_minimum(vf a, vf b) { return convc_select((a > b) | (b != b), b, a); }
#endif

CONVC_INLINE vf convc_neg(vf x) { return -x; }
CONVC_INLINE vf convc_reciprocal(vf x) { return 1.0f / x; }
CONVC_INLINE vf convc_abs(vf x) { return convc_from_bits(convc_bits(x) & 0x7fffffffu); }

/* |x| with the sign of s. */
CONVC_INLINE vf convc_copysign(vf x, vf s)
{
    return convc_from_bits((convc_bits(x) & 0x7fffffffu) | (convc_bits(s) & 0x80000000u));
}

CONVC_INLINE vf convc_sign(vf x)
{
    const vf one = convc_copysign(convc_splat(1.0f), x);
    return convc_select(x == convc_splat(0.0f), convc_splat(0.0f), convc_select(x == x, one, x));
}

/* Exactly rounded, as IEEE 754 has it. x86 has an instruction of whole vectors, for which compilers take no loop over lanes
 * unless errno may go unset. */
#if CONVC_LANES > 1 && CONVC_IN_REGISTER && defined(__AVX__)
CONVC_INLINE vf convc_sqrt(vf x) { vf y; __asm__("vsqrtps %1, %0" : "=v"(y) : "v"(x)); return y; }
#elif CONVC_LANES > 1 && CONVC_IN_REGISTER
CONVC_INLINE vf convc_sqrt(vf x) { vf y; __asm__("sqrtps %1, %0" : "=x"(y) : "x"(x)); return y; }
#else
CONVC_INLINE vf convc_sqrt(vf x)
{
    float lanes[CONVC_LANES];
    memcpy(lanes, &x, sizeof x);
    for (int l = 0; l < CONVC_LANES; ++l) lanes[l] = __builtin_sqrtf(lanes[l]);
    memcpy(&x, lanes, sizeof x);
    return x;
}
#endif

/* The nearest whole number, halves to the even one: from 2^23 on there is nothing to round, below the sum has no room
 * for a fraction. */
CONVC_INLINE vf convc_round(vf x)
{
    const vf magnitude = convc_abs(x), limit = convc_splat(8388608.0f);
    return convc_select(magnitude < limit, convc_copysign((magnitude + limit) - limit, x), x);
}

CONVC_INLINE vf convc_floor(vf x)
{
    const vf nearest = convc_round(x);
    return convc_select(nearest > x, nearest - 1.0f, nearest);
}

CONVC_INLINE vf convc_ceil(vf x)
{
    const vf nearest = convc_round(x);
    return convc_copysign(convc_select(nearest < x, nearest + 1.0f, nearest), x);
}

/* Truth is 1, falsehood 0. */
CONVC_INLINE vf convc_truth(vi mask) { return convc_select(mask, convc_splat(1.0f), convc_splat(0.0f)); }
CONVC_INLINE vi convc_is_true(vf x) { return x != convc_splat(0.0f); }
CONVC_INLINE vf convc_equal(vf a, vf b) { return convc_truth(a == b); }
CONVC_INLINE vf convc_not_equal(vf a, vf b) { return convc_truth(a != b); }
CONVC_INLINE vf convc_less(vf a, vf b) { return convc_truth(a < b); }
CONVC_INLINE vf convc_less_equal(vf a, vf b) { return convc_truth(a <= b); }
CONVC_INLINE vf convc_greater(vf a, vf b) { return convc_truth(a > b); }
CONVC_INLINE vf convc_greater_equal(vf a, vf b) { return convc_truth(a >= b); }
CONVC_INLINE vf convc_logical_and(vf a, vf b) { return convc_truth(convc_is_true(a) & convc_is_true(b)); }
CONVC_INLINE vf convc_logical_or(vf a, vf b) { return convc_truth(convc_is_true(a) | convc_is_true(b)); }
CONVC_INLINE vf convc_logical_xor(vf a, vf b) { return convc_truth(convc_is_true(a) ^ convc_is_true(b)); }
CONVC_INLINE vf convc_logical_not(vf x) { return convc_truth(x == convc_splat(0.0f)); }
CONVC_INLINE vf convc_where(vf condition, vf a, vf b) { return convc_select(convc_is_true(condition), a, b); }

/* Splits x = n ln 2 + r with |r| <= ln 2 / 2: returns expm1(r), and n + 1.5 * 2^23 in *n, whose low bits are the integer
 * n; x must lie in [-104, 89]. Adding 1.5 * 2^23 rounds to the nearest integer; ln 2 is held in two parts so that r is
 * exact. The polynomial is minimax for the relative error of expm1, 1.3e-8; its terms are summed in pairs, since what a
 * loop over vectors waits for is the longest chain. */
CONVC_INLINE vf convc_expm1_reduced(vf x, vf *n)
{
    *n = x * 1.44269504088896341f + 12582912.0f;
    const vf whole = *n - 12582912.0f;
    const vf r = (x - whole * 0.693359375f) + whole * 2.12194440054690583e-4f, square = r * r;
    const vf low = r * 1.666654348373413e-1f + 0.5f, high = r * 8.366583846509457e-3f + 4.166628047823906e-2f;
    return ((square * 1.394644845277071e-3f + high) * square + low) * square + r;
}

/* 2^n for the n of convc_expm1_reduced from -126 to 127: all but the low bits of n leave at the top. */
CONVC_INLINE vf convc_power(vf n) { return convc_from_bits((convc_bits(n) << 23) + 0x3f800000u); }

/* exp, clamped to [-87, 88] outside: at most 2 ulp. For functions that are flat out there. */
CONVC_INLINE vf convc_exp_clamped(vf x)
{
    vf n;
    const vf m = convc_expm1_reduced(convc_max(convc_min(x, convc_splat(88.0f)), convc_splat(-87.0f)), &n);
    const vf power = convc_power(n);
    return m * power + power;
}

/* exp for x up to 0: at most 2 ulp from -87, below it 0. */
CONVC_INLINE vf convc_exp_below(vf x)
{
    vf n;
    const vf lowest = convc_splat(-87.0f), m = convc_expm1_reduced(convc_max(x, lowest), &n), power = convc_power(n);
    return convc_select(x < lowest, convc_splat(0.0f), m * power + power);
}

/* exp(x) - 1 for x in [-87, 88], clamped outside: at most 2 ulp, near zero too. */
CONVC_INLINE vf convc_expm1_clamped(vf x)
{
    vf n;
    const vf m = convc_expm1_reduced(convc_max(convc_min(x, convc_splat(88.0f)), convc_splat(-87.0f)), &n);
    const vf power = convc_power(n);
    return m * power + (power - 1.0f);
}

/* exp over all floats: at most 2 ulp, denormal results included. The power is applied in two halves, as 2^n alone may be
 * no normal number. */
CONVC_INLINE vf convc_exp(vf x)
{
    vf n;
    const vf m = convc_expm1_reduced(convc_max(convc_min(x, convc_splat(89.0f)), convc_splat(-104.0f)), &n);
    const vu whole = convc_bits(n) - 0x4b400000u, half = (vu)((vi)whole >> 1);
    const vf first = convc_from_bits((half + 127u) << 23), second = convc_from_bits((whole - half + 127u) << 23);
    return (m * first + first) * second;
}

/* Natural logarithm of a positive normal number: x = m 2^e with m in [sqrt(1/2), sqrt(2)), f = m - 1, and
 * log(1 + f) = f - f^2 / 2 + f^3 P(f), P minimax for the relative error of the whole, 6e-9. At most 2 ulp. */
CONVC_INLINE vf convc_log_normal(vf x)
{
    const vu bits = convc_bits(x);
    const vi e = (vi)(bits - 0x3f3504f3u) >> 23;
    const vf f = convc_from_bits(bits - ((vu)e << 23)) - 1.0f, exponent = convc_to_float(e), square = f * f;
    vf p = convc_splat(-7.859545946121216e-2f);
    p = p * f + 1.2881621718406677e-1f;
    p = p * f - 1.3128767907619476e-1f;
    p = p * f + 1.4181196689605713e-1f;
    p = p * f - 1.6624553501605988e-1f;
    p = p * f + 2.0002286136150360e-1f;
    p = p * f - 2.5000810623168945e-1f;
    p = p * f + 3.3333316445350647e-1f;
    const vf tail = p * f * square - exponent * 2.12194440054690583e-4f;
    return exponent * 0.693359375f + (f + (tail - square * 0.5f));
}

/* log over all floats: -inf at zero, NaN below; at most 2 ulp. */
CONVC_INLINE vf convc_log(vf x)
{
    const vi tiny = x < convc_splat(1.17549435e-38f);
    const vf normal = convc_log_normal(convc_select(tiny, x * 8388608.0f, x));
    const vf y = convc_select(tiny, normal - 15.942385152878742f, normal);
    const vf below = convc_select(x == convc_splat(0.0f), convc_splat(-__builtin_inff()), convc_splat(__builtin_nanf("")));
    return convc_select(x > convc_splat(0.0f), convc_select(x < convc_splat(__builtin_inff()), y, x), below);
}

#include "convc_activation.h"

#endif
