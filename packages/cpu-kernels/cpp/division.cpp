// Remainders of floating numbers without the C library's long division, where the quotient is an
// exact integer of the type.
//
// For |x / y| below 2^digits, q = trunc(x / y) is the true quotient or, as x / y is rounded, greater by
// one. x - q y is a multiple of the last digit of y and no longer than y, and so a fused multiply-add
// gives it without an error; where q was too great it has the wrong sign, and y is added, without
// an error again.
#include "division.hpp"

#include <cmath>
#include <limits>

#include "clones.hpp"

namespace lamella {
namespace {

#define LAMELLA_INLINE inline __attribute__((always_inline))

// Whether the fast way is right; not so with zero, infinity and NaN.
template <class T>
LAMELLA_INLINE bool is_near(T x, T y) {
    constexpr T most = static_cast<T>(int64_t{1} << (std::numeric_limits<T>::digits - 1));
    return std::fabs(x / y) < most && std::fabs(y) < std::numeric_limits<T>::infinity();
}

template <class T>
LAMELLA_INLINE T near_remainder(T x, T y) {
    const T quotient = std::trunc(x / y), rest = std::fma(-quotient, y, x);
    const T size = std::fabs(y);
    const T back = std::copysign(size, x);
    const bool beyond = (rest < 0 && x > 0) || (rest > 0 && x < 0);
    return std::copysign(beyond ? rest + back : rest, x);
}

template <class T>
LAMELLA_INLINE T floored(T rest, T y) {
    // Python's modulus from C's remainder.
    if (rest == 0) return std::copysign(rest, y);
    return (rest < 0) != (y < 0) ? rest + y : rest;
}

template <class T>
LAMELLA_INLINE T floored_quotient(T x, T y, T rest) {
    T quotient = (x - rest) / y;
    if (rest != 0 && (rest < 0) != (y < 0)) quotient -= 1;
    const T whole = std::floor(quotient);
    const T nearest = quotient - whole > static_cast<T>(0.5) ? whole + 1 : whole;
    return quotient != 0 ? nearest : std::copysign(static_cast<T>(0), x / y);
}

enum class Wanted { fmod, remainder, quotient };

template <Wanted wanted, class T>
LAMELLA_INLINE T result_of(T x, T y, T rest) {
    if (wanted == Wanted::quotient) return floored_quotient(x, y, rest);
    return wanted == Wanted::remainder ? floored(rest, y) : rest;
}

template <Wanted wanted, class T>
T far_result(T x, T y) {
    const T rest = std::fmod(x, y);
    if (y == 0) return wanted == Wanted::quotient ? x / y : rest;
    return result_of<wanted>(x, y, rest);
}

constexpr int64_t BLOCK = 256;

template <Wanted wanted, class T>
LAMELLA_INLINE void divide(const T *x, const T *y, T *out, int64_t count) {
    for (int64_t start = 0; start < count; start += BLOCK) {
        const int64_t size = count - start < BLOCK ? count - start : BLOCK;
        // The results may be written over the operands.
        T results[BLOCK];
        int32_t far = 0;
        for (int64_t i = 0; i < size; ++i) {
            const T a = x[start + i], b = y[start + i];
            far |= !is_near(a, b);
            results[i] = result_of<wanted>(a, b, near_remainder(a, b));
        }
        if (far) {
            for (int64_t i = 0; i < size; ++i) {
                const T a = x[start + i], b = y[start + i];
                if (!is_near(a, b)) results[i] = far_result<wanted>(a, b);
            }
        }
        for (int64_t i = 0; i < size; ++i) out[start + i] = results[i];
    }
}

}  // namespace

LAMELLA_FUSED_CLONES void fmod_floats(const float *x, const float *y, float *out, int64_t count) {
    divide<Wanted::fmod>(x, y, out, count);
}

LAMELLA_FUSED_CLONES void fmod_doubles(const double *x, const double *y, double *out, int64_t count) {
    divide<Wanted::fmod>(x, y, out, count);
}

LAMELLA_FUSED_CLONES void remainder_floats(
    const float *x, const float *y, float *out, int64_t count) {
    divide<Wanted::remainder>(x, y, out, count);
}

LAMELLA_FUSED_CLONES void remainder_doubles(
    const double *x, const double *y, double *out, int64_t count) {
    divide<Wanted::remainder>(x, y, out, count);
}

LAMELLA_FUSED_CLONES void quotient_floats(
    const float *x, const float *y, float *out, int64_t count) {
    divide<Wanted::quotient>(x, y, out, count);
}

LAMELLA_FUSED_CLONES void quotient_doubles(
    const double *x, const double *y, double *out, int64_t count) {
    divide<Wanted::quotient>(x, y, out, count);
}

}  // namespace lamella
