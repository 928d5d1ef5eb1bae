/* Angles: included by convc_double.h. */
#ifndef CONVC_TRIGONOMETRY_H
#define CONVC_TRIGONOMETRY_H

enum convc_angle { CONVC_SIN, CONVC_COS, CONVC_TAN };

/* The sine (cosine, tangent) of x = n pi / 2 + r, |r| <= pi / 4, for |x| below 2^28. pi / 2 is held in three parts, the
 * first two so short that their products with n are exact. */
CONVC_INLINE vd convc_angled(vd x, enum convc_angle kind)
{
    const vd shifted = x * 0.6366197723675814 + 6755399441055744.0, n = shifted - 6755399441055744.0;
    const vd r = ((x - n * 0x1.921fb5p+0) - n * 0x1.110b46p-26) - n * 6.123233995736766e-17, q = r * r;
    vd s = convc_splatd(-1.0 / 39916800.0); /* Taylor to r^11 and r^12: 4e-11 and less */
    s = s * q + 1.0 / 362880.0;
    s = s * q - 1.0 / 5040.0;
    s = s * q + 1.0 / 120.0;
    s = s * q - 1.0 / 6.0;
    s = s * q * r + r;
    vd c = convc_splatd(1.0 / 479001600.0);
    c = c * q - 1.0 / 3628800.0;
    c = c * q + 1.0 / 40320.0;
    c = c * q - 1.0 / 720.0;
    c = c * q + 1.0 / 24.0;
    c = c * q - 0.5;
    c = c * q + 1.0;
    const vul quarter = convc_bitsd(shifted) + (kind == CONVC_COS ? 1u : 0u);
    const vl odd = (quarter & 1u) != (quarter & 0u);
    if (kind == CONVC_TAN) return convc_selectd(odd, -c, s) / convc_selectd(odd, s, c);
    return convc_from_bitsd(convc_bitsd(convc_selectd(odd, c, s)) ^ ((quarter & 2u) << 62));
}

/* From 2^28 on, and at infinity, the C library takes the lane over. */
CONVC_INLINE vf convc_angle(vf x, enum convc_angle kind)
{
    const float limit = 268435456.0f;
    const vf inside = convc_select(convc_abs(x) < convc_splat(limit), x, convc_splat(0.0f));
    vf y = x;
    for (int i = 0; i < CONVC_PARTS; ++i) convc_narrow(&y, i, convc_angled(convc_widen(&inside, i), kind));
    float from[CONVC_LANES], to[CONVC_LANES];
    memcpy(from, &x, sizeof x);
    memcpy(to, &y, sizeof y);
    for (int l = 0; l < CONVC_LANES; ++l) {
        if (__builtin_fabsf(from[l]) < limit) continue;
        to[l] = kind == CONVC_SIN   ? __builtin_sinf(from[l])
                : kind == CONVC_COS ? __builtin_cosf(from[l])
                                    : __builtin_tanf(from[l]);
    }
    memcpy(&y, to, sizeof y);
    return convc_select(x == convc_splat(0.0f), kind == CONVC_COS ? y : x, y); /* zero keeps its sign */
}

CONVC_INLINE vf convc_sin(vf x) { return convc_angle(x, CONVC_SIN); }
CONVC_INLINE vf convc_cos(vf x) { return convc_angle(x, CONVC_COS); }
CONVC_INLINE vf convc_tan(vf x) { return convc_angle(x, CONVC_TAN); }

/* The inverse of tan on [-1, 1], and pi / 2 less that of 1 / x outside; minimax for the relative error, 2.3e-9. At most
 * 2 ulp. */
CONVC_INLINE vf convc_atan(vf x)
{
    const vf magnitude = convc_abs(x), one = convc_splat(1.0f);
    const vi steep = magnitude > one;
    const vf u = convc_select(steep, -1.0f / magnitude, magnitude), t = u * u;
    vf p = convc_splat(-1.8271846929565072e-3f);
    p = p * t + 1.1064315214753151e-2f;
    p = p * t - 3.145546838641167e-2f;
    p = p * t + 5.82343190908432e-2f;
    p = p * t - 8.419445902109146e-2f;
    p = p * t + 1.0957571864128113e-1f;
    p = p * t - 1.426524519920349e-1f;
    p = p * t + 1.9998638331890106e-1f;
    p = p * t - 3.3333301544189453e-1f;
    const vf y = convc_select(steep, convc_splat(1.57079637f), convc_splat(0.0f)) + (p * t * u + u);
    return convc_copysign(y, x);
}

/* asin(u) for |u| <= 1/2: minimax, relative error 3e-10. */
CONVC_INLINE vf convc_asin_inner(vf u)
{
    const vf t = u * u;
    vf p = convc_splat(3.7565186619758606e-2f);
    p = p * t + 1.4402614906430244e-2f;
    p = p * t + 3.181760758161545e-2f;
    p = p * t + 4.451572149991989e-2f;
    p = p * t + 7.500510662794113e-2f;
    p = p * t + 1.6666659712791443e-1f;
    return p * t * u + u;
}

/* From 1/2 on asin(x) = pi / 2 - 2 asin(sqrt((1 - x) / 2)), where nothing cancels. At most 2.4 ulp. */
CONVC_INLINE vf convc_asin(vf x)
{
    const vf magnitude = convc_abs(x);
    const vi steep = magnitude > convc_splat(0.5f);
    const vf inner = convc_asin_inner(convc_select(steep, convc_sqrt((1.0f - magnitude) * 0.5f), magnitude));
    return convc_copysign(convc_select(steep, 1.57079637f - (2.0f * inner + 4.37113883e-8f), inner), x);
}

/* acos(x) = 2 asin(sqrt((1 - x) / 2)) for x from 1/2, pi less that of -x to -1/2, pi / 2 - asin(x) between. At most 2 ulp. */
CONVC_INLINE vf convc_acos(vf x)
{
    const vf magnitude = convc_abs(x);
    const vi steep = magnitude > convc_splat(0.5f);
    const vf inner = convc_asin_inner(convc_select(steep, convc_sqrt((1.0f - magnitude) * 0.5f), x));
    const vf far = convc_select(x < convc_splat(0.0f), 3.14159274f - 2.0f * inner, 2.0f * inner);
    return convc_select(steep, far, 1.57079637f - inner);
}

#endif
