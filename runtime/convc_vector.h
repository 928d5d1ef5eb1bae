/* Vectors of CONVC_LANES floats, written with GCC/Clang vector extensions so that one source serves every width.
 *
 * A unit defines CONVC_LANES before it includes this file: 16 for AVX-512, 8 for AVX2, 4 for any x86-64 or Arm
 * compiler, 1 for scalar code over plain layouts. */
#ifndef CONVC_VECTOR_H
#define CONVC_VECTOR_H

#include <stddef.h>
#include <string.h>

#if CONVC_LANES == 1
typedef float vf;
typedef float vf_u;
typedef int vi;
typedef unsigned vu;
#else
typedef float vf __attribute__((vector_size(4 * CONVC_LANES), may_alias));
typedef float vf_u __attribute__((vector_size(4 * CONVC_LANES), may_alias, aligned(4)));
typedef int vi __attribute__((vector_size(4 * CONVC_LANES), may_alias));
typedef unsigned vu __attribute__((vector_size(4 * CONVC_LANES), may_alias));
#endif

#if CONVC_LANES == 16
/* Half a vector, of the first lanes. Where a multiply-add of 16 floats takes both halves of a core, one of 8 takes half
 * the time. */
typedef float vf_half __attribute__((vector_size(32), may_alias));
#endif

/* Whether a vector is one register of an x86 processor. */
#if !defined(__x86_64__)
#define CONVC_IN_REGISTER 0
#elif defined(__AVX512F__)
#define CONVC_IN_REGISTER 1
#elif defined(__AVX__)
#define CONVC_IN_REGISTER (CONVC_LANES <= 8)
#else
#define CONVC_IN_REGISTER (CONVC_LANES <= 4)
#endif

#define CONVC_INLINE static inline __attribute__((always_inline, unused))

/* Aligned and unaligned loads and stores of one vector, and a scalar in every lane. */
CONVC_INLINE vf convc_load(const float *p) { return *(const vf *)p; }
CONVC_INLINE vf convc_loadu(const float *p) { return *(const vf_u *)p; }
CONVC_INLINE void convc_store(float *p, vf v) { *(vf *)p = v; }
CONVC_INLINE void convc_storeu(float *p, vf v) { *(vf_u *)p = v; }
CONVC_INLINE vf convc_splat(float x) { return x - (vf){0}; }

#if CONVC_LANES == 16
/* The same of half a vector, and such a half with zeros in the lanes after it. */
CONVC_INLINE vf_half convc_load_half(const float *p) { return *(const vf_half *)p; }
CONVC_INLINE void convc_store_half(float *p, vf_half v) { *(vf_half *)p = v; }
CONVC_INLINE vf convc_whole(vf_half v)
{
#if defined(__AVX512F__)
    vf wide;
    __asm__("vmovaps %t1, %t0" : "=v"(wide) : "v"(v)); /* clears the rest of the register */
    return wide;
#else
    const union { vf_half halves[2]; vf whole; } both = { { v } };
    return both.whole;
#endif
}
#endif

/* Holds a vector that was loaded in a register. Without it compilers may load it again as an operand of every
 * multiply-add that uses it, and there are fewer loads in a cycle than multiply-adds: a tile of 4 by 3 vectors of 8
 * then runs at 62 % of the peak instead of 93 %. Where the product needs a register of its own there is none to spare. */
#if CONVC_LANES == 1
#define CONVC_HOLD(v) ((void)(v))
#elif defined(__x86_64__) && defined(__AVX512F__)
#define CONVC_HOLD(v) __asm__("" : "+v"(v))
#elif defined(__x86_64__) && defined(__FMA__) && CONVC_LANES <= 8 /* a wider vector lies in several registers */
#define CONVC_HOLD(v) __asm__("" : "+x"(v))
#elif defined(__aarch64__)
#define CONVC_HOLD(v) __asm__("" : "+w"(v))
#else
#define CONVC_HOLD(v) ((void)(v))
#endif

/* The bits of a vector as integers and back; integers as floats and back, cut off. */
#if CONVC_LANES == 1
CONVC_INLINE vu convc_bits(vf x) { vu v; memcpy(&v, &x, sizeof v); return v; }
CONVC_INLINE vf convc_from_bits(vu x) { vf v; memcpy(&v, &x, sizeof v); return v; }
CONVC_INLINE vf convc_to_float(vi x) { return (float)x; }
CONVC_INLINE vi convc_to_int(vf x) { return (vi)x; }
#else
CONVC_INLINE vu convc_bits(vf x) { return (vu)x; }
CONVC_INLINE vf convc_from_bits(vu x) { return (vf)x; }
CONVC_INLINE vf convc_to_float(vi x) { return __builtin_convertvector(x, vf); }
CONVC_INLINE vi convc_to_int(vf x) { return __builtin_convertvector(x, vi); }
#endif

/* `a` where the comparison holds, else `b`. A comparison is all ones or zero in each lane; plain 1 or 0 for scalars. */
#if CONVC_LANES == 1
CONVC_INLINE vf convc_select(vi mask, vf a, vf b) { return mask ? a : b; }
#else
CONVC_INLINE vf convc_select(vi mask, vf a, vf b) { return (vf)((mask & (vi)a) | (~mask & (vi)b)); }
#endif

/* The numbers of the lanes. */
#if CONVC_LANES > 1
CONVC_INLINE vi convc_numbers(void)
{
    return (vi){0, 1, 2, 3,
#if CONVC_LANES >= 8
                4, 5, 6, 7,
#endif
#if CONVC_LANES >= 16
                8, 9, 10, 11, 12, 13, 14, 15,
#endif
    };
}
#endif

/* The lanes of `v` in another order; the arguments after it are constants, a lane each. CONVC_MIX takes them from two
 * vectors, the lanes of `b` counted on from those of `a`. */
#if defined(__clang__)
#define CONVC_SHUFFLE(v, ...) __builtin_shufflevector(v, v, __VA_ARGS__)
#define CONVC_MIX(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
#define CONVC_SHUFFLE(v, ...) __builtin_shuffle(v, (vi){__VA_ARGS__})
#define CONVC_MIX(a, b, ...) __builtin_shuffle(a, b, (vi){__VA_ARGS__})
#endif

#if CONVC_LANES > 1
/* Vectors of eight lanes and more in an order that is known only at run time: as a shuffle, GCC takes two vectors for
 * it, in twice the time. */
#if CONVC_LANES == 16 && defined(__AVX512F__) || CONVC_LANES == 8 && defined(__AVX2__)
CONVC_INLINE vf convc_ordered(vf v, vi order)
{
    vf y;
    __asm__("vpermps %1, %2, %0" : "=v"(y) : "v"(v), "v"(order));
    return y;
}
CONVC_INLINE vf convc_load_ordered(const float *p, vi order)
{
    vf y;
    __asm__("vpermps %1, %2, %0" : "=v"(y) : "m"(*(const vf *)p), "v"(order));
    return y;
}
#else
CONVC_INLINE vf convc_ordered(vf v, vi order)
{
    vf y;
    for (int l = 0; l < CONVC_LANES; ++l) y[l] = v[order[l]];
    return y;
}
CONVC_INLINE vf convc_load_ordered(const float *p, vi order) { return convc_ordered(convc_load(p), order); }
#endif

/* A choice of lanes, from a bit for each; and `v` with what lies at `p` in the lanes chosen. */
#if defined(__AVX512F__)
typedef unsigned short convc_choice;
CONVC_INLINE convc_choice convc_choose(unsigned bits) { return (convc_choice)bits; }
CONVC_INLINE vf convc_merged(vf v, const float *p, convc_choice lanes)
{
    __asm__("vmovaps %1, %0%{%2%}" : "+v"(v) : "m"(*(const vf *)p), "Yk"(lanes));
    return v;
}
#else
typedef vi convc_choice;
CONVC_INLINE convc_choice convc_choose(unsigned bits)
{
    return ((bits - (vi){0}) >> convc_numbers() & 1) != 0;
}
CONVC_INLINE vf convc_merged(vf v, const float *p, convc_choice lanes)
{
#if CONVC_LANES == 8 && defined(__AVX__)
    vf y;
    __asm__("vblendvps %3, %2, %1, %0" : "=x"(y) : "x"(v), "m"(*(const vf *)p), "x"(lanes));
    return y;
#else
    return convc_select(lanes, convc_load(p), v);
#endif
}
#endif
#endif

/* `v` with lanes, or groups of 2, 4, 8, exchanged in pairs: joined with itself so, step by step, every lane holds what
 * all lanes amount to. */
#if CONVC_LANES == 4
#define CONVC_SWAP2(v) CONVC_SHUFFLE(v, 2, 3, 0, 1)
#define CONVC_SWAP1(v) CONVC_SHUFFLE(v, 1, 0, 3, 2)
#elif CONVC_LANES == 8
#define CONVC_SWAP4(v) CONVC_SHUFFLE(v, 4, 5, 6, 7, 0, 1, 2, 3)
#define CONVC_SWAP2(v) CONVC_SHUFFLE(v, 2, 3, 0, 1, 6, 7, 4, 5)
#define CONVC_SWAP1(v) CONVC_SHUFFLE(v, 1, 0, 3, 2, 5, 4, 7, 6)
#elif CONVC_LANES == 16
#define CONVC_SWAP8(v) CONVC_SHUFFLE(v, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7)
#define CONVC_SWAP4(v) CONVC_SHUFFLE(v, 4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11)
#define CONVC_SWAP2(v) CONVC_SHUFFLE(v, 2, 3, 0, 1, 6, 7, 4, 5, 10, 11, 8, 9, 14, 15, 12, 13)
#define CONVC_SWAP1(v) CONVC_SHUFFLE(v, 1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14)
#endif

/* Loads and stores of the first `count` lanes side by side, as one instruction: memory past them is not touched. */
#if CONVC_LANES > 1 && defined(__AVX512VL__)
#define CONVC_MASKS 1
CONVC_INLINE unsigned short convc_mask(int count) { return (unsigned short)((1u << (count > 0 ? count : 0)) - 1u); }
CONVC_INLINE vf convc_load_masked(const float *p, int count)
{
    vf v;
    __asm__("vmovups %1, %0%{%2%}%{z%}" : "=v"(v) : "m"(*(const vf_u *)p), "Yk"(convc_mask(count)));
    return v;
}
CONVC_INLINE void convc_store_masked(float *p, int count, vf v)
{
    __asm__("vmovups %1, %0%{%2%}" : "+m"(*(vf_u *)p) : "v"(v), "Yk"(convc_mask(count)));
}
#else
#define CONVC_MASKS 0
#endif

/* The first `count` lanes at a distance of `stride` floats, zeros in the others: for channels of a plain tensor and ragged
 * ends. */
CONVC_INLINE vf convc_load_lanes(const float *p, ptrdiff_t stride, int count)
{
#if CONVC_MASKS
    if (__builtin_constant_p(stride) && stride == 1) return convc_load_masked(p, count);
#endif
#if CONVC_LANES > 1
    if (__builtin_constant_p(count)) { /* put together in registers */
        vf known = {0};
#pragma GCC unroll 16
        for (int l = 0; l < CONVC_LANES; ++l) if (l < count) known[l] = p[l * stride];
        return known;
    }
#endif
    float lanes[CONVC_LANES] = {0};
    for (int l = 0; l < count; ++l) lanes[l] = p[l * stride];
    vf v;
    memcpy(&v, lanes, sizeof v);
    return v;
}

CONVC_INLINE void convc_store_lanes(float *p, ptrdiff_t stride, int count, vf v)
{
#if CONVC_MASKS
    if (__builtin_constant_p(stride) && stride == 1) {
        convc_store_masked(p, count, v);
        return;
    }
#endif
    float lanes[CONVC_LANES];
    memcpy(lanes, &v, sizeof v);
    for (int l = 0; l < count; ++l) p[l * stride] = lanes[l];
}

/* `v` with `other` from lane `count` on. */
CONVC_INLINE vf convc_first_lanes(vf v, int count, float other)
{
#if CONVC_LANES == 1
    return count > 0 ? v : other;
#else
    return convc_select(convc_numbers() < count - (vi){0}, v, convc_splat(other));
#endif
}

/* `v` with `other` in all but the last `count` lanes: of a vector that overlaps the one before. */
CONVC_INLINE vf convc_last_lanes(vf v, int count, float other)
{
#if CONVC_LANES == 1
    return count > 0 ? v : other;
#else
    return convc_select(convc_numbers() >= CONVC_LANES - count - (vi){0}, v, convc_splat(other));
#endif
}

/* `v` with zeros from lane `count` on: keeps the lanes past the last channel at zero. */
CONVC_INLINE vf convc_keep_lanes(vf v, int count) { return convc_first_lanes(v, count, 0.0f); }

#endif
