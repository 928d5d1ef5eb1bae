/* Elementwise functions on vectors. Errors were measured against float64 over the stated range (tests/kernels). */
#ifndef CONVC_MATH_H
#define CONVC_MATH_H

#include "convc_vector.h"

/* NaN stays NaN in every function: the comparisons below are false for it, and the operand passes through. */
CONVC_INLINE vf convc_max(vf a, vf b) { return convc_select(a < b, b, a); }
CONVC_INLINE vf convc_min(vf a, vf b) { return convc_select(a > b, b, a); }

CONVC_INLINE vf convc_relu(vf x) { return convc_max(x, convc_splat(0.0f)); }
CONVC_INLINE vf convc_relu6(vf x) { return convc_min(convc_relu(x), convc_splat(6.0f)); }
CONVC_INLINE vf convc_leaky_relu(vf x, float slope) { return convc_select(x < convc_splat(0.0f), x * slope, x); }

CONVC_INLINE vf convc_sqrt(vf x)
{
    float lanes[CONVC_LANES];
    memcpy(lanes, &x, sizeof x);
    for (int l = 0; l < CONVC_LANES; ++l) lanes[l] = __builtin_sqrtf(lanes[l]);
    memcpy(&x, lanes, sizeof x);
    return x;
}

#if CONVC_LANES == 1
CONVC_INLINE vi convc_to_int(vf x) { return (int)x; }
CONVC_INLINE vf convc_bits(vi x) { vf v; memcpy(&v, &x, sizeof v); return v; }
CONVC_INLINE vi convc_as_int(vf x) { vi v; memcpy(&v, &x, sizeof v); return v; }
#else
CONVC_INLINE vi convc_to_int(vf x) { return __builtin_convertvector(x, vi); }
CONVC_INLINE vf convc_bits(vi x) { return (vf)x; }
CONVC_INLINE vi convc_as_int(vf x) { return (vi)x; }
#endif

/* Splits x = n ln 2 + r with |r| <= ln 2 / 2: returns expm1(r), and 2^n in *power. x must lie in [-87, 88]. Adding
 * and taking away 1.5 * 2^23 rounds to the nearest integer; ln 2 is held in two parts so that r is exact. */
CONVC_INLINE vf convc_expm1_reduced(vf x, vf *power)
{
    const vf n = (x * 1.44269504088896341f + 12582912.0f) - 12582912.0f;
    const vf r = (x - n * 0.693359375f) + n * 2.12194440054690583e-4f;
    vf p = convc_splat(1.98412698e-4f); /* Taylor to r^7 / 7!: the next term is below 2^-27 here */
    p = p * r + 1.38888889e-3f;
    p = p * r + 8.33333333e-3f;
    p = p * r + 4.16666667e-2f;
    p = p * r + 1.66666667e-1f;
    p = p * r + 0.5f;
    *power = convc_bits((convc_to_int(n) + 127) << 23);
    return r + r * r * p;
}

/* exp for x in [-87, 88], clamped outside: at most 2 ulp. */
CONVC_INLINE vf convc_exp(vf x)
{
    vf power;
    x = convc_max(convc_min(x, convc_splat(88.0f)), convc_splat(-87.0f));
    const vf m = convc_expm1_reduced(x, &power);
    return m * power + power;
}

/* 1 / (1 + exp(-x)): at most 3 ulp. */
CONVC_INLINE vf convc_sigmoid(vf x) { return 1.0f / (1.0f + convc_exp(-x)); }

/* With t = expm1(2 |x|), tanh |x| = t / (t + 2): no cancellation near zero. At most 3 ulp. */
CONVC_INLINE vf convc_tanh(vf x)
{
    vf power;
    const vf magnitude = convc_select(x < convc_splat(0.0f), -x, x);
    const vf m = convc_expm1_reduced(convc_min(magnitude, convc_splat(10.0f)) * 2.0f, &power);
    const vf t = m * power + (power - 1.0f);
    const vf y = t / (t + 2.0f);
    return convc_select(x < convc_splat(0.0f), -y, y);
}

/* Natural logarithm of x > 0 (normal numbers): x = m 2^e with m in [sqrt(1/2), sqrt(2)), then the series of
 * 2 atanh(s), s = (m - 1) / (m + 1), to s^9. At most 3 ulp. */
CONVC_INLINE vf convc_log(vf x)
{
    vi bits = convc_as_int(x);
    const vi e = ((bits - 0x3f3504f3) >> 23);
    const vf m = convc_bits(bits - (e << 23));
#if CONVC_LANES == 1
    const vf exponent = (float)e;
#else
    const vf exponent = __builtin_convertvector(e, vf);
#endif
    const vf s = (m - 1.0f) / (m + 1.0f), q = s * s;
    vf p = convc_splat(2.0f / 9.0f);
    p = p * q + 2.0f / 7.0f;
    p = p * q + 2.0f / 5.0f;
    p = p * q + 2.0f / 3.0f;
    return exponent * 0.693359375f + (2.0f * s + (p * q * s - exponent * 2.12194440054690583e-4f));
}

#endif
