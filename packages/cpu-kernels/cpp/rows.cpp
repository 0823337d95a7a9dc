// Softmax and products of rows, running extrema, and rows added at indices: one pass, where NumPy makes
// many.
#include <nanobind/nanobind.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "arrays.hpp"
#include "clones.hpp"
#include "half.hpp"
#include "parallel.hpp"

namespace nb = nanobind;

namespace lamella {
namespace {

// e to the power of x for x <= 0, to 1 ulp or so: 2^n times a polynomial for the rest, which is at
// most log(2) / 2. The coefficients are those of the Taylor series: its next term is below 6e-9.
inline float exponential(float x) {
    // Below it the result has no bits; NaN stays.
    x = x < -104.0f ? -104.0f : x;
    // Adding 1.5 * 2^23 rounds to an integer.
    const float shifted = x * 1.44269504088896f + 12582912.0f;
    const float n = shifted - 12582912.0f;
    // log(2) in two parts, the first of which n multiplies without an error.
    float r = x - n * 0.693145751953125f;
    r -= n * 1.42860682030941723e-6f;
    float p = 1.0f / 5040;
    p = p * r + 1.0f / 720;
    p = p * r + 1.0f / 120;
    p = p * r + 1.0f / 24;
    p = p * r + 1.0f / 6;
    p = p * r + 0.5f;
    p = p * r * r + r + 1.0f;
    int32_t bits;
    std::memcpy(&bits, &shifted, sizeof bits);
    // 2^n in two factors, so that numbers below the least normal one are right, too.
    const int32_t exponent = bits - 0x4b400000;
    const int32_t half = exponent >> 1;
    const int32_t first = (half + 127) << 23, second = (exponent - half + 127) << 23;
    float a, b;
    std::memcpy(&a, &first, sizeof a);
    std::memcpy(&b, &second, sizeof b);
    return p * a * b;
}

// The largest number, NaN where there is one.
inline float largest(const float *x, int64_t length) {
    float high = -std::numeric_limits<float>::infinity();
    int32_t missing = 0;
#pragma omp simd reduction(max : high) reduction(| : missing)
    for (int64_t i = 0; i < length; ++i) {
        high = x[i] > high ? x[i] : high;
        missing |= x[i] != x[i];
    }
    return missing ? std::numeric_limits<float>::quiet_NaN() : high;
}

// exp(x - high) into out, and the sum.
inline float exponentials(const float *x, float high, float *out, int64_t length) {
    float sum = 0;
#pragma omp simd reduction(+ : sum)
    for (int64_t i = 0; i < length; ++i) {
        out[i] = exponential(x[i] - high);
        sum += out[i];
    }
    return sum;
}

LAMELLA_CLONES void softmax_of(const float *x, float *out, int64_t rows, int64_t length) {
    for (int64_t row = 0; row < rows; ++row, x += length, out += length) {
        const float share = 1 / exponentials(x, largest(x, length), out, length);
        for (int64_t i = 0; i < length; ++i) out[i] *= share;
    }
}

LAMELLA_CLONES void log_softmax_of(const float *x, float *out, int64_t rows, int64_t length) {
    for (int64_t row = 0; row < rows; ++row, x += length, out += length) {
        const float high = largest(x, length);
        const float lost = std::log(exponentials(x, high, out, length));
        for (int64_t i = 0; i < length; ++i) out[i] = x[i] - high - lost;
    }
}

// Both over the last dimension.
template <void (*rows_of)(const float *, float *, int64_t, int64_t)>
bool over_rows(nb::object input_, nb::object out_, int threads) {
    Array input, out;
    if (!input.take(input_.ptr(), false) || !out.take(out_.ptr(), true) ||
        input.kind() != Kind::float32 || out.kind() != Kind::float32 ||
        input.size() != out.size() || input.size() == 0 || input.dimensions() < 1) {
        return false;
    }
    const int64_t length = input.shape(input.dimensions() - 1), rows = input.size() / length;
    const float *x = input.data<float>();
    float *y = out.data<float>();
    nb::gil_scoped_release unlocked;
    for_parts(rows, length, threads, [=](int64_t begin, int64_t end) {
        rows_of(x + begin * length, y + begin * length, end - begin, length);
    });
    return true;
}

// Half precision, computed in float32: a row at a time is converted.
template <void (*rows_of)(const float *, float *, int64_t, int64_t)>
bool over_half_rows(nb::object input_, nb::object out_, bool brain, int threads) {
    Array input, out;
    if (!input.take(input_.ptr(), false) || !out.take(out_.ptr(), true) || input.itemsize() != 2 ||
        out.itemsize() != 2 || input.size() != out.size() || input.size() == 0 ||
        input.dimensions() < 1) {
        return false;
    }
    const int64_t length = input.shape(input.dimensions() - 1), rows = input.size() / length;
    const HalfType type = brain ? BFLOAT16 : FLOAT16;
    nb::gil_scoped_release unlocked;
    for_parts(rows, length, threads, [&](int64_t begin, int64_t end) {
        std::vector<float> given(length), result(length);
        for (int64_t start = begin * length; start < end * length; start += length) {
            type.widen(input.data<Half>() + start, given.data(), length);
            rows_of(given.data(), result.data(), 1, length);
            type.narrow(result.data(), out.data<Half>() + start, length);
        }
    });
    return true;
}

// Products of rows. Those of float32 are multiplied in double precision, so that no lane of a row
// leaves the range where the whole row does not.
template <class T>
inline __attribute__((always_inline)) void products(
    const T *x, T *out, int64_t rows, int64_t length) {
    for (int64_t row = 0; row < rows; ++row, x += length) {
        double product = 1;
#pragma omp simd reduction(* : product)
        for (int64_t i = 0; i < length; ++i) product *= static_cast<double>(x[i]);
        out[row] = static_cast<T>(product);
    }
}

LAMELLA_CLONES void products_of(const float *x, float *out, int64_t rows, int64_t length) {
    products(x, out, rows, length);
}

LAMELLA_CLONES void products_of(const double *x, double *out, int64_t rows, int64_t length) {
    products(x, out, rows, length);
}

template <class T>
void products_in_parts(const Array &input, const Array &out, int threads) {
    const T *x = input.data<T>();
    T *to = out.data<T>();
    const int64_t rows = out.size(), length = input.size() / rows;
    nb::gil_scoped_release unlocked;
    for_parts(rows, length, threads, [=](int64_t begin, int64_t end) {
        products_of(x + begin * length, to + begin, end - begin, length);
    });
}

// The products of as many runs of elements as there are results.
bool product(nb::object input_, nb::object out_, int threads) {
    Array input, out;
    if (!input.take(input_.ptr(), false) || !out.take(out_.ptr(), true) ||
        input.kind() != out.kind() || out.size() == 0 || input.size() % out.size() != 0) {
        return false;
    }
    if (input.kind() == Kind::float32) products_in_parts<float>(input, out, threads);
    else if (input.kind() == Kind::float64) products_in_parts<double>(input, out, threads);
    else return false;
    return true;
}

// Running extrema along rows of `length` elements that are `inner` apart, and the last place of each;
// NaN stays once it came.
template <class T, bool high>
void running(const T *x, T *values, int64_t *places, int64_t outer, int64_t length, int64_t inner) {
    for (int64_t row = 0; row < outer; ++row, x += length * inner, values += length * inner,
                 places += length * inner) {
        if (inner == 1) {
            T best = x[0];
            int64_t place = 0;
            for (int64_t i = 0; i < length; ++i) {
                const bool reaches = (high ? x[i] >= best : x[i] <= best) || x[i] != x[i];
                best = reaches ? x[i] : best;
                place = reaches ? i : place;
                values[i] = best;
                places[i] = place;
            }
            continue;
        }
        std::copy(x, x + inner, values);
        std::fill(places, places + inner, 0);
        for (int64_t i = 1; i < length; ++i) {
            const T *now = x + i * inner;
            T *value = values + i * inner;
            int64_t *place = places + i * inner;
            for (int64_t k = 0; k < inner; ++k) {
                const T best = value[k - inner];
                const bool reaches = (high ? now[k] >= best : now[k] <= best) || now[k] != now[k];
                value[k] = reaches ? now[k] : best;
                place[k] = reaches ? i : place[k - inner];
            }
        }
    }
}

template <class T>
void running_extrema(const Array &input, Array &values, Array &places, int axis, bool high) {
    int64_t outer = 1, inner = 1;
    for (int dim = 0; dim < axis; ++dim) outer *= input.shape(dim);
    for (int dim = axis + 1; dim < input.dimensions(); ++dim) inner *= input.shape(dim);
    const auto work = high ? running<T, true> : running<T, false>;
    nb::gil_scoped_release unlocked;
    work(input.data<T>(), values.data<T>(), places.data<int64_t>(), outer, input.shape(axis), inner);
}

bool cumulative_extrema(
    nb::object input_, nb::object values_, nb::object places_, int axis, bool high) {
    Array input, values, places;
    if (!input.take(input_.ptr(), false) || !values.take(values_.ptr(), true) ||
        !places.take(places_.ptr(), true) || values.kind() != input.kind() ||
        places.kind() != Kind::int64 || values.size() != input.size() ||
        places.size() != input.size() || input.size() == 0 || axis < 0 ||
        axis >= input.dimensions()) {
        return false;
    }
    if (input.kind() == Kind::float32)
        running_extrema<float>(input, values, places, axis, high);
    else if (input.kind() == Kind::float64)
        running_extrema<double>(input, values, places, axis, high);
    else if (input.kind() == Kind::int64)
        running_extrema<int64_t>(input, values, places, axis, high);
    else
        return false;
    return true;
}

// Whether all places are in the range; a negative one is none.
bool within(const int64_t *places, int64_t count, int64_t size) {
    bool fits = true;
    for (int64_t i = 0; i < count; ++i)
        fits &= static_cast<uint64_t>(places[i]) < static_cast<uint64_t>(size);
    return fits;
}

template <class T>
void add_rows(
    T *target, const int64_t *places, const T *source, int64_t count, int64_t length) {
    for (int64_t row = 0; row < count; ++row, source += length) {
        T *to = target + places[row] * length;
        for (int64_t i = 0; i < length; ++i) to[i] += source[i];
    }
}

// Adds each row of the source to that of the target which its place names, in their order.
bool index_add(nb::object target_, nb::object places_, nb::object source_) {
    Array target, places, source;
    if (!target.take(target_.ptr(), true) || !places.take(places_.ptr(), false) ||
        !source.take(source_.ptr(), false) || places.kind() != Kind::int64 ||
        source.kind() != target.kind() || target.dimensions() < 1 || target.size() == 0 ||
        places.size() == 0) {
        return false;
    }
    const int64_t rows = target.shape(0), length = target.size() / rows, count = places.size();
    const int64_t *place = places.data<int64_t>();
    // Of single numbers NumPy counts those of a place faster, where they are many.
    if (length == 1 && count > 1024) return false;
    if (source.size() != count * length || !within(place, count, rows)) return false;
    if (!target.apart_from(source)) return false;
    nb::gil_scoped_release unlocked;
    if (target.kind() == Kind::float32)
        add_rows(target.data<float>(), place, source.data<float>(), count, length);
    else if (target.kind() == Kind::float64)
        add_rows(target.data<double>(), place, source.data<double>(), count, length);
    else
        return false;
    return true;
}

}  // namespace

void bind_rows(nb::module_ &module) {
    module.def("softmax", &over_rows<softmax_of>);
    module.def("log_softmax", &over_rows<log_softmax_of>);
    module.def("softmax_of_half", &over_half_rows<softmax_of>);
    module.def("log_softmax_of_half", &over_half_rows<log_softmax_of>);
    module.def("product", &product);
    module.def("cumulative_extrema", &cumulative_extrema);
    module.def("index_add", &index_add);
}

}  // namespace lamella
