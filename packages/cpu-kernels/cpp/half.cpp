// Conversions between half precision and float32.
#include "half.hpp"

#include "bits.hpp"
#include "clones.hpp"

#if defined(__GNUC__) && defined(__x86_64__)
#include <immintrin.h>
#define LAMELLA_F16C __attribute__((target("avx2,f16c")))
#endif

namespace lamella {
namespace {

// The exponents' biases differ by 112.
inline float widened(Half half) {
    const uint32_t sign = static_cast<uint32_t>(half & 0x8000) << 16, size = half & 0x7fff;
    uint32_t bits = (size << 13) + (112u << 23);
    if (size >= 0x7c00) bits = (size << 13) | 0x7f800000;
    // Below the least normal number: so many times 2^-24.
    if (size < 0x400) bits = bits_of(static_cast<float>(size) * 0x1p-24f);
    return number_of(sign | bits);
}

inline Half narrowed(float number) {
    const uint32_t bits = bits_of(number), size = bits & 0x7fffffff;
    uint32_t half;
    if (size > 0x7f800000) half = 0x7e00 | ((size >> 13) & 0x3ff);
    else if (size >= 0x47800000) half = 0x7c00;
    // Adding 0.5 leaves multiples of 2^-24 and rounds to one of them.
    else if (size < 0x38800000) half = bits_of(number_of(size) + 0.5f) - 0x3f000000;
    else half = (size - (112u << 23) + 0xfff + ((size >> 13) & 1)) >> 13;
    return static_cast<Half>(half | ((bits >> 16) & 0x8000));
}

void widen_one_by_one(const Half *from, float *to, int64_t count) {
    for (int64_t i = 0; i < count; ++i) to[i] = widened(from[i]);
}

void narrow_one_by_one(const float *from, Half *to, int64_t count) {
    for (int64_t i = 0; i < count; ++i) to[i] = narrowed(from[i]);
}

#ifdef LAMELLA_F16C
const bool has_f16c = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("f16c");

LAMELLA_F16C void widen_by_eights(const Half *from, float *to, int64_t count) {
    int64_t i = 0;
    for (; i + 8 <= count; i += 8) {
        const __m128i eight = _mm_loadu_si128(reinterpret_cast<const __m128i *>(from + i));
        _mm256_storeu_ps(to + i, _mm256_cvtph_ps(eight));
    }
    widen_one_by_one(from + i, to + i, count - i);
}

LAMELLA_F16C void narrow_by_eights(const float *from, Half *to, int64_t count) {
    int64_t i = 0;
    for (; i + 8 <= count; i += 8) {
        const __m128i eight = _mm256_cvtps_ph(_mm256_loadu_ps(from + i), _MM_FROUND_TO_NEAREST_INT);
        _mm_storeu_si128(reinterpret_cast<__m128i *>(to + i), eight);
    }
    narrow_one_by_one(from + i, to + i, count - i);
}
#endif

}  // namespace

void widen_float16(const Half *from, float *to, int64_t count) {
#ifdef LAMELLA_F16C
    if (has_f16c) return widen_by_eights(from, to, count);
#endif
    widen_one_by_one(from, to, count);
}

void narrow_float16(const float *from, Half *to, int64_t count) {
#ifdef LAMELLA_F16C
    if (has_f16c) return narrow_by_eights(from, to, count);
#endif
    narrow_one_by_one(from, to, count);
}

LAMELLA_CLONES void widen_bfloat16(const Half *from, float *to, int64_t count) {
    for (int64_t i = 0; i < count; ++i) to[i] = number_of(static_cast<uint32_t>(from[i]) << 16);
}

LAMELLA_CLONES void narrow_bfloat16(const float *from, Half *to, int64_t count) {
    for (int64_t i = 0; i < count; ++i) {
        const uint32_t bits = bits_of(from[i]);
        const uint32_t rounded = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
        const uint32_t missing = ((bits >> 16) & 0x8000) | 0x7fc0;
        to[i] = static_cast<Half>((bits & 0x7fffffff) > 0x7f800000 ? missing : rounded);
    }
}

}  // namespace lamella
