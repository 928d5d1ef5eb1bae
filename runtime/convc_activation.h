/* Activations on vectors. Those that bend more than once share what they can: one exponential and one division each. */
#ifndef CONVC_ACTIVATION_H
#define CONVC_ACTIVATION_H

CONVC_INLINE vf convc_relu(vf x) { return convc_max(x, convc_splat(0.0f)); }
CONVC_INLINE vf convc_clip(vf x, float low, float high) { return convc_min(convc_max(x, convc_splat(low)), convc_splat(high)); }
CONVC_INLINE vf convc_relu6(vf x) { return convc_clip(x, 0.0f, 6.0f); }
CONVC_INLINE vf convc_prelu(vf x, vf slope) { return convc_select(x < convc_splat(0.0f), x * slope, x); }
CONVC_INLINE vf convc_leaky_relu(vf x, float slope) { return convc_prelu(x, convc_splat(slope)); }
CONVC_INLINE vf convc_thresholded_relu(vf x, float alpha) { return convc_select(x <= convc_splat(alpha), convc_splat(0.0f), x); }
CONVC_INLINE vf convc_hard_sigmoid(vf x, float alpha, float beta) { return convc_clip(x * alpha + beta, 0.0f, 1.0f); }
CONVC_INLINE vf convc_hard_swish(vf x) { return x * convc_clip(x + 3.0f, 0.0f, 6.0f) * 0.16666667f; }
CONVC_INLINE vf convc_softsign(vf x) { return x / (convc_abs(x) + 1.0f); }

/* 1 / (1 + exp(-x)): at most 2 ulp for x from -16.6, where it is half an ulp of 1, and 2.4 from -87: with a power of 2^24
 * there is no room for the one. Below it stays at exp(-87), 1.6e-38. */
CONVC_INLINE vf convc_sigmoid(vf x)
{
    vf n;
    const vf m = convc_expm1_reduced(-convc_max(convc_min(x, convc_splat(87.0f)), convc_splat(-87.0f)), &n);
    const vf power = convc_power(n);
    return 1.0f / (m * power + (power + 1.0f));
}

/* x / (1 + exp(y)): from y = 88.38 on the power of two is infinite, so that the quotient is zero, and NaN where x is
 * infinite too; 1 + expm1 of the rest is positive, whatever the rest. */
CONVC_INLINE vf convc_faded(vf x, vf y)
{
    vf n;
    const vf m = convc_expm1_reduced(convc_max(convc_min(y, convc_splat(89.0f)), convc_splat(-87.0f)), &n);
    return x / ((m + 1.0f) * convc_power(n) + 1.0f);
}

/* x times its sigmoid: at most 3 ulp for x from -88, below it zero. */
CONVC_INLINE vf convc_silu(vf x) { return convc_faded(x, -x); }

/* With y = -expm1(-2 |x|) / 2, tanh |x| = y / (1 - y): at most 2 ulp. Of -|x|, as then neither y nor 1 - y lies just above a
 * power of two, where an ulp is large, while the result lies just below one; 1 - y is summed by itself, without the error of y.
 * The steps are those of convc_expm1_reduced for half of what is there, its constants multiplied by powers of two, and ln 2 / 2
 * in one part: -n of them are off by 1e-9 n, and what they are taken from counts 2^n times. */
CONVC_INLINE vf convc_tanh(vf x)
{
    const vf inside = convc_max(convc_from_bits(convc_bits(x) | 0x80000000u), convc_splat(-10.0f));
    const vf n = inside * 2.88539008177792681f + 12582912.0f, whole = n - 12582912.0f;
    const vf r = inside - whole * 0.34657359123f, square = r * r;
    const vf low = r * 0.6666617393493652f + 1.0f, high = r * 0.1338653415441513f + 0.3333302438259125f;
    const vf m = ((square * 0.04462863504886627f + high) * square + low) * square + r, power = convc_power(n);
    const vf y = (0.5f - power * 0.5f) - m * power, rest = (0.5f + power * 0.5f) + m * power;
    return convc_from_bits(convc_bits(y / rest) | (convc_bits(x) & 0x80000000u));
}

/* erf |x| = 1 - exp(-g), g = -log(1 - erf |x|) close to a polynomial without constant term, minimax for the relative error
 * of the whole over [0, 3.925], 4e-9; beyond, the result is 1. At most 2 ulp, 2.6 where no multiply-add is to be had. */
CONVC_INLINE vf convc_erf(vf x)
{
    const vf u = convc_min(convc_abs(x), convc_splat(3.925f));
    vf g = convc_splat(-9.256305929739028e-6f), n;
    g = g * u + 1.1764163355110213e-4f;
    g = g * u - 6.328381132334471e-4f;
    g = g * u + 1.6670296899974346e-3f;
    g = g * u - 1.603982236701995e-4f;
    g = g * u - 1.9153062254190445e-2f;
    g = g * u + 1.0277783125638962e-1f;
    g = g * u + 6.366193890571594e-1f;
    g = g * u - 5.86353834e-08f; /* the first coefficient, 2 / sqrt(pi), in two parts */
    const vf m = convc_expm1_reduced(-(u * 1.12837923f + g * u), &n), power = convc_power(n);
    return convc_copysign((1.0f - power) - m * power, x);
}

/* erf as u P(u^2) / Q(u^2), minimax for the relative error over [0, 3.925], 1.9e-8: all coefficients are positive, so
 * nothing cancels. At most 6 ulp, in half the time. */
CONVC_INLINE vf convc_erf_rational(vf x)
{
    const vf u = convc_max(convc_min(x, convc_splat(3.925f)), convc_splat(-3.925f)), t = u * u;
    vf p = convc_splat(2.04607283e-6f);
    p = p * t + 2.84842685e-4f;
    p = p * t + 3.77242901e-3f;
    p = p * t + 5.27689191e-2f;
    p = p * t + 1.90590665e-1f;
    p = p * t + 1.12837915f;
    vf q = convc_splat(3.80482087e-5f);
    q = q * t + 1.1638322e-3f;
    q = q * t + 1.49829496e-2f;
    q = q * t + 1.14181472e-1f;
    q = q * t + 5.0223931e-1f;
    q = q * t + 1.0f;
    return u * p / q;
}

/* x / 2 (1 + erf(x / sqrt 2)): the error is at most 3 ulp of x, as the sum cancels below zero. */
CONVC_INLINE vf convc_gelu(vf x)
{
    const vf half = x * 0.5f;
    return half * convc_erf_rational(x * 0.70710678f) + half;
}

/* x / 2 (1 + tanh u) = x / (1 + exp(-2 u)), u = sqrt(2 / pi) (x + 0.044715 x^3). */
CONVC_INLINE vf convc_gelu_tanh(vf x)
{
    const vf inside = convc_max(x, convc_splat(-12.0f)); /* below it is as good as zero */
    return convc_faded(x, -inside * (inside * inside * 0.0713548163f + 1.59576912f));
}

CONVC_INLINE vf convc_celu(vf x, float alpha)
{
    return convc_select(x < convc_splat(0.0f), convc_expm1_clamped(x * (1.0f / alpha)) * alpha, x);
}

CONVC_INLINE vf convc_elu(vf x, float alpha)
{
    return convc_select(x < convc_splat(0.0f), convc_expm1_clamped(x) * alpha, x);
}

CONVC_INLINE vf convc_selu(vf x) { return convc_elu(x, 1.6732632423543772f) * 1.0507009873554805f; }

/* log(1 + exp(x)) = max(x, 0) + log(1 + y), y = exp(-|x|); with s = y / (y + 2), log(1 + y) = 2 atanh(s), s at most 1/3: no
 * cancellation far below zero. At most 3 ulp for x from -87, where it stays at exp(-87). */
CONVC_INLINE vf convc_softplus(vf x)
{
    const vf y = convc_exp_clamped(-convc_abs(x)), s = y / (y + 2.0f), t = s * s;
    vf p = convc_splat(1.4012232422828674e-1f);
    p = p * t + 1.3999569416046143e-1f;
    p = p * t + 2.0010849833488464e-1f;
    p = p * t + 3.333320617675781e-1f;
    return convc_relu(x) + 2.0f * (p * t * s + s);
}

/* With y = exp(x), tanh(log(1 + y)) = n / (n + 2), n = y (y + 2): one exponential. From 20 on it is 1, below -87 the
 * result zero, and NaN at minus infinity. */
CONVC_INLINE vf convc_mish(vf x)
{
    const vf y = convc_exp_clamped(convc_min(x, convc_splat(20.0f))), n = y * (y + 2.0f);
    return convc_select(x < convc_splat(-87.0f), x * 0.0f, x * (n / (n + 2.0f)));
}

#endif
