/* Functions that networks rarely use, computed in double: simple, and right to the last place or the one before it. Every
 * function is within 1 ulp of a float32 unless it says more.
 *
 * A vector of doubles is as wide as the machine has them, so functions of floats go part by part. (Wider ones, which the
 * compiler would split, gcc 12 does not compare.) */
#ifndef CONVC_DOUBLE_H
#define CONVC_DOUBLE_H

#include "convc_math.h"

#if CONVC_LANES == 1
typedef double vd;
typedef long long vl;
typedef unsigned long long vul;
CONVC_INLINE vd convc_selectd(vl mask, vd a, vd b) { return mask ? a : b; }
CONVC_INLINE vul convc_bitsd(vd x) { vul v; memcpy(&v, &x, sizeof v); return v; }
CONVC_INLINE vd convc_from_bitsd(vul x) { vd v; memcpy(&v, &x, sizeof v); return v; }
#else
#if defined(__AVX512F__) && CONVC_LANES >= 16
#define CONVC_DOUBLE_BYTES 64
#elif defined(__AVX__) && CONVC_LANES >= 8
#define CONVC_DOUBLE_BYTES 32
#else
#define CONVC_DOUBLE_BYTES 16
#endif
typedef double vd __attribute__((vector_size(CONVC_DOUBLE_BYTES), may_alias));
typedef long long vl __attribute__((vector_size(CONVC_DOUBLE_BYTES), may_alias));
typedef unsigned long long vul __attribute__((vector_size(CONVC_DOUBLE_BYTES), may_alias));
typedef float vh __attribute__((vector_size(CONVC_DOUBLE_BYTES / 2), may_alias)); /* as many floats as doubles */
CONVC_INLINE vd convc_selectd(vl mask, vd a, vd b) { return (vd)((mask & (vl)a) | (~mask & (vl)b)); }
CONVC_INLINE vul convc_bitsd(vd x) { return (vul)x; }
CONVC_INLINE vd convc_from_bitsd(vul x) { return (vd)x; }
#endif
enum { CONVC_PARTS = 2 * sizeof(vf) / sizeof(vd) > 1 ? 2 * sizeof(vf) / sizeof(vd) : 1 };

/* One part of a vector of floats as doubles, and doubles as that part. */
CONVC_INLINE vd convc_widen(const vf *x, int number)
{
#if CONVC_LANES == 1
    (void)number;
    return *x;
#else
    vh part;
    memcpy(&part, (const char *)x + number * sizeof part, sizeof part);
    return __builtin_convertvector(part, vd);
#endif
}

CONVC_INLINE void convc_narrow(vf *y, int number, vd x)
{
#if CONVC_LANES == 1
    (void)number;
    *y = (float)x;
#else
    const vh part = __builtin_convertvector(x, vh);
    memcpy((char *)y + number * sizeof part, &part, sizeof part);
#endif
}

/* convc_NAME on floats from convc_NAMEd on doubles. */
#define CONVC_BY_PARTS(name)                                                                                           \
    CONVC_INLINE vf convc_##name(vf x)                                                                                 \
    {                                                                                                                  \
        vf y = x;                                                                                                      \
        for (int i = 0; i < CONVC_PARTS; ++i) convc_narrow(&y, i, convc_##name##d(convc_widen(&x, i)));                \
        return y;                                                                                                      \
    }

CONVC_INLINE vd convc_splatd(double x) { return x - (vd){0}; }
CONVC_INLINE vd convc_absd(vd x) { return convc_from_bitsd(convc_bitsd(x) & 0x7fffffffffffffffu); }
CONVC_INLINE vd convc_copysignd(vd x, vd s)
{
    return convc_from_bitsd((convc_bitsd(x) & 0x7fffffffffffffffu) | (convc_bitsd(s) & 0x8000000000000000u));
}
CONVC_INLINE vd convc_maxd(vd x, double bound) { return convc_selectd(x < convc_splatd(bound), convc_splatd(bound), x); }
CONVC_INLINE vd convc_mind(vd x, double bound) { return convc_selectd(x > convc_splatd(bound), convc_splatd(bound), x); }

CONVC_INLINE vd convc_sqrtd(vd x)
{
    double lanes[sizeof x / sizeof(double)];
    memcpy(lanes, &x, sizeof x);
    for (size_t l = 0; l < sizeof x / sizeof(double); ++l) lanes[l] = __builtin_sqrt(lanes[l]);
    memcpy(&x, lanes, sizeof x);
    return x;
}

/* exp, clamped to [-200, 200] outside, which is past the range of float32: relative error 1e-12. */
CONVC_INLINE vd convc_expd(vd x)
{
    x = convc_maxd(convc_mind(x, 200.0), -200.0);
    const vd n = x * 1.4426950408889634 + 6755399441055744.0, r = x - (n - 6755399441055744.0) * 0.6931471805599453;
    vd p = convc_splatd(1.0 / 39916800.0); /* Taylor to r^11 / 11! */
    p = p * r + 1.0 / 3628800.0;
    p = p * r + 1.0 / 362880.0;
    p = p * r + 1.0 / 40320.0;
    p = p * r + 1.0 / 5040.0;
    p = p * r + 1.0 / 720.0;
    p = p * r + 1.0 / 120.0;
    p = p * r + 1.0 / 24.0;
    p = p * r + 1.0 / 6.0;
    p = p * r + 0.5;
    p = p * r + 1.0;
    p = p * r + 1.0;
    return p * convc_from_bitsd((convc_bitsd(n) << 52) + (1023ull << 52));
}

/* Natural logarithm over all positive normal doubles, -inf at zero, NaN below: relative error 1e-10. The exponent is
 * taken out unsigned, as few machines shift long long arithmetically, and made a double by way of the bits of 2^52. */
CONVC_INLINE vd convc_logd(vd x)
{
    const vul bits = convc_bitsd(x), biased = (bits + ((1023ull << 52) - 0x3fe6a09e667f3bcdu)) >> 52;
    const vd e = convc_from_bitsd(biased | 0x4330000000000000u) - (4503599627370496.0 + 1023.0);
    const vd m = convc_from_bitsd(bits - ((biased - 1023u) << 52)), s = (m - 1.0) / (m + 1.0), q = s * s;
    vd p = convc_splatd(2.0 / 13.0); /* 2 atanh(s), |s| at most 0.172 */
    p = p * q + 2.0 / 11.0;
    p = p * q + 2.0 / 9.0;
    p = p * q + 2.0 / 7.0;
    p = p * q + 2.0 / 5.0;
    p = p * q + 2.0 / 3.0;
    p = p * q + 2.0;
    const vd y = p * s + e * 0.6931471805599453, zero = convc_splatd(0.0), huge = convc_splatd(__builtin_inf());
    const vd below = convc_selectd(x == zero, -huge, convc_splatd(__builtin_nan("")));
    return convc_selectd(x > zero, convc_selectd(x < huge, y, x), below);
}

/* a^b as IEEE 754 has it: 1 where b is 0 or a is 1, even beside NaN; for a below zero the sign of a whole b's parity, NaN
 * for other b. */
CONVC_INLINE vf convc_pow(vf a, vf b)
{
    const vf zero = convc_splat(0.0f), one = convc_splat(1.0f), huge = convc_splat(__builtin_inff());
    const vf magnitude = convc_abs(a), middle = b * 0.5f;
    vf power = one;
    for (int i = 0; i < CONVC_PARTS; ++i) {
        const vd exponent = convc_logd(convc_widen(&magnitude, i)) * convc_widen(&b, i);
        convc_narrow(&power, i, convc_expd(exponent));
    }
    const vi whole = b == convc_floor(b), odd = whole & (middle != convc_floor(middle));
    const vi impossible = (a < zero) & (magnitude < huge) & (b == b) & (whole ^ (one == one));
    const vi is_one = (b == zero) | (a == one) | ((magnitude == one) & (convc_abs(b) == huge));
    power = convc_select(impossible, convc_splat(__builtin_nanf("")), power);
    power = convc_select(odd & (convc_copysign(one, a) < zero), -power, power);
    return convc_select(is_one, one, power);
}

/* The remainder of a / b with the sign of a: exact. The quotient of two floats, where it is below 2^28, times b is exact in
 * double, and so is the difference; where it is larger the C library divides. */
CONVC_INLINE vf convc_fmod(vf a, vf b)
{
    vf result = a;
    for (int i = 0; i < CONVC_PARTS; ++i) {
        const vd x = convc_absd(convc_widen(&a, i)), y = convc_absd(convc_widen(&b, i));
        const vd nearest = (convc_mind(x / y, 268435456.0) + 6755399441055744.0) - 6755399441055744.0;
        const vd r = x - nearest * y;
        convc_narrow(&result, i, convc_selectd(r < convc_splatd(0.0), r + y, r));
    }
    float dividend[CONVC_LANES], divisor[CONVC_LANES], remainder[CONVC_LANES];
    memcpy(dividend, &a, sizeof a);
    memcpy(divisor, &b, sizeof b);
    memcpy(remainder, &result, sizeof result);
    for (int l = 0; l < CONVC_LANES; ++l) {
        const float size = __builtin_fabsf(divisor[l]), other = __builtin_fabsf(dividend[l]);
        const int easy = size > 1e-30f && size < 1e30f && other < 268435456.0f * size;
        if (!easy) remainder[l] = __builtin_fmodf(dividend[l], divisor[l]);
    }
    memcpy(&result, remainder, sizeof result);
    return convc_copysign(result, a);
}

/* The remainder with the sign of b. */
CONVC_INLINE vf convc_mod(vf a, vf b)
{
    const vf r = convc_fmod(a, b), zero = convc_splat(0.0f);
    const vi other_side = (r != zero) & ((r < zero) ^ (b < zero));
    return convc_select(r == zero, convc_copysign(r, b), convc_select(other_side, r + b, r));
}

CONVC_INLINE vd convc_sinhd(vd x)
{
    const vd square = x * x, e = convc_expd(x);
    const vd near = x * (1.0 + square * (1.0 / 6.0 + square * (1.0 / 120.0))); /* where e - 1 / e would cancel */
    return convc_selectd(convc_absd(x) < convc_splatd(0.0625), near, (e - 1.0 / e) * 0.5);
}

CONVC_INLINE vd convc_coshd(vd x)
{
    const vd e = convc_expd(x);
    return (e + 1.0 / e) * 0.5;
}

CONVC_INLINE vd convc_asinhd(vd x)
{
    const vd w = convc_absd(x), far = convc_logd(w + convc_sqrtd(w * w + 1.0)), near = w * (1.0 - w * w * (1.0 / 6.0));
    return convc_copysignd(convc_selectd(w < convc_splatd(1.0 / 256.0), near, far), x);
}

CONVC_INLINE vd convc_acoshd(vd x) { return convc_logd(x + convc_sqrtd(x * x - 1.0)); }

CONVC_INLINE vd convc_atanhd(vd x)
{
    const vd far = convc_logd((1.0 + x) / (1.0 - x)) * 0.5, near = x * (1.0 + x * x * (1.0 / 3.0));
    return convc_selectd(convc_absd(x) < convc_splatd(1.0 / 256.0), near, far);
}

CONVC_BY_PARTS(sinh)
CONVC_BY_PARTS(cosh)
CONVC_BY_PARTS(asinh)
CONVC_BY_PARTS(acosh)
CONVC_BY_PARTS(atanh)

#include "convc_trigonometry.h"

#endif
