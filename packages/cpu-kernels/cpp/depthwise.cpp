// Convolutions of images with one input channel a group: rows times single weights, added up.
//
// An output row meets, for each weight, the input row `y * stride - padding + ky * dilation`, from and
// to columns where that of the input is inside; what is outside is zero, and left out.
#include <nanobind/nanobind.h>
#include <nanobind/stl/tuple.h>

#include <algorithm>
#include <tuple>
#include <utility>

#include "arrays.hpp"
#include "clones.hpp"
#include "parallel.hpp"

namespace nb = nanobind;

namespace lamella {
namespace {

struct Axis {
    int64_t size, kernel, out, stride, padding, dilation;

    // The input's place that an output's place meets, for a place in the kernel.
    int64_t at(int64_t place, int64_t tap) const { return place * stride - padding + tap * dilation; }

    // From and to which output the input's place is inside.
    std::pair<int64_t, int64_t> inside(int64_t tap) const {
        const int64_t first = at(0, tap), last = size - 1 - first;
        const int64_t from = first < 0 ? (-first + stride - 1) / stride : 0;
        return {std::min(from, out), last < 0 ? 0 : std::min(last / stride + 1, out)};
    }
};

struct Image {
    Axis y, x;
    int64_t batch, groups, features;

    int64_t input_plane() const { return y.size * x.size; }
    int64_t output_plane() const { return y.out * x.out; }
    int64_t taps() const { return y.kernel * x.kernel; }
};

// Calls work(tap, input row, output row, number of columns) for all rows that meet one another.
template <class Work>
inline __attribute__((always_inline)) void for_rows(const Image &of, const Work &work) {
    for (int64_t ky = 0; ky < of.y.kernel; ++ky) {
        const auto [top, bottom] = of.y.inside(ky);
        for (int64_t kx = 0; kx < of.x.kernel; ++kx) {
            const auto [left, right] = of.x.inside(kx);
            if (left >= right) continue;
            for (int64_t row = top; row < bottom; ++row)
                work(ky * of.x.kernel + kx, of.y.at(row, ky) * of.x.size + of.x.at(left, kx),
                     row * of.x.out + left, right - left);
        }
    }
}

template <class T>
inline __attribute__((always_inline)) void output_plane(
    const Image &of, const T *input, const T *weight, T first, T *out) {
    std::fill(out, out + of.output_plane(), first);
    const int64_t stride = of.x.stride;
    for_rows(of, [=](int64_t tap, int64_t from, int64_t to, int64_t count) {
        const T factor = weight[tap];
        const T *x = input + from;
        T *y = out + to;
        if (stride == 1)
            for (int64_t i = 0; i < count; ++i) y[i] += x[i] * factor;
        else
            for (int64_t i = 0; i < count; ++i) y[i] += x[i * stride] * factor;
    });
}

template <class T>
inline __attribute__((always_inline)) void add_input_plane(
    const Image &of, const T *grad, const T *weight, T *result) {
    const int64_t stride = of.x.stride;
    for_rows(of, [=](int64_t tap, int64_t to, int64_t from, int64_t count) {
        const T factor = weight[tap];
        const T *x = grad + from;
        T *y = result + to;
        if (stride == 1)
            for (int64_t i = 0; i < count; ++i) y[i] += x[i] * factor;
        else
            for (int64_t i = 0; i < count; ++i) y[i * stride] += x[i] * factor;
    });
}

template <class T>
inline __attribute__((always_inline)) void add_weights(
    const Image &of, const T *input, const T *grad, T *result) {
    const int64_t stride = of.x.stride;
    for_rows(of, [=](int64_t tap, int64_t from, int64_t to, int64_t count) {
        const T *x = input + from, *y = grad + to;
        T sum = 0;
        if (stride == 1) {
#pragma omp simd reduction(+ : sum)
            for (int64_t i = 0; i < count; ++i) sum += x[i] * y[i];
        } else {
            for (int64_t i = 0; i < count; ++i) sum += x[i * stride] * y[i];
        }
        result[tap] += sum;
    });
}

// Planes of output, of features, one after the other.
template <class T>
inline __attribute__((always_inline)) void outputs(
    const Image &of, const T *input, const T *weight, const T *bias, T *out, int64_t begin, int64_t end) {
    const int64_t each = of.features / of.groups;
    for (int64_t i = begin; i < end; ++i) {
        const int64_t feature = i % of.features;
        output_plane(of, input + i / each * of.input_plane(), weight + feature * of.taps(),
                     bias == nullptr ? T{0} : bias[feature], out + i * of.output_plane());
    }
}

template <class T>
inline __attribute__((always_inline)) void input_grads(
    const Image &of, const T *grad, const T *weight, T *result, int64_t begin, int64_t end) {
    const int64_t each = of.features / of.groups;
    for (int64_t i = begin; i < end; ++i) {
        T *plane = result + i * of.input_plane();
        std::fill(plane, plane + of.input_plane(), T{0});
        for (int64_t k = i * each; k < (i + 1) * each; ++k)
            add_input_plane(of, grad + k * of.output_plane(), weight + k % of.features * of.taps(), plane);
    }
}

template <class T>
inline __attribute__((always_inline)) void weight_grads(
    const Image &of, const T *input, const T *grad, T *result, int64_t begin, int64_t end) {
    const int64_t each = of.features / of.groups;
    for (int64_t feature = begin; feature < end; ++feature) {
        T *taps = result + feature * of.taps();
        std::fill(taps, taps + of.taps(), T{0});
        for (int64_t image = 0; image < of.batch; ++image) {
            const int64_t k = image * of.features + feature;
            add_weights(of, input + k / each * of.input_plane(), grad + k * of.output_plane(), taps);
        }
    }
}

LAMELLA_CLONES void outputs_of(
    const Image &of, const float *input, const float *weight, const float *bias, float *out,
    int64_t begin, int64_t end) {
    outputs(of, input, weight, bias, out, begin, end);
}

LAMELLA_CLONES void outputs_of(
    const Image &of, const double *input, const double *weight, const double *bias, double *out,
    int64_t begin, int64_t end) {
    outputs(of, input, weight, bias, out, begin, end);
}

LAMELLA_CLONES void input_grads_of(
    const Image &of, const float *grad, const float *weight, float *result, int64_t begin, int64_t end) {
    input_grads(of, grad, weight, result, begin, end);
}

LAMELLA_CLONES void input_grads_of(
    const Image &of, const double *grad, const double *weight, double *result, int64_t begin,
    int64_t end) {
    input_grads(of, grad, weight, result, begin, end);
}

LAMELLA_CLONES void weight_grads_of(
    const Image &of, const float *input, const float *grad, float *result, int64_t begin, int64_t end) {
    weight_grads(of, input, grad, result, begin, end);
}

LAMELLA_CLONES void weight_grads_of(
    const Image &of, const double *input, const double *grad, double *result, int64_t begin,
    int64_t end) {
    weight_grads(of, input, grad, result, begin, end);
}

using Pair = std::tuple<int64_t, int64_t>;

// What three arrays, (batch, groups, height, width), (features, 1, height, width) and (batch, features,
// height, width), are to one another; false where they do not fit.
bool fits(
    const Array &input, const Array &weight, const Array &output, Pair stride, Pair padding,
    Pair dilation, Image &found) {
    const auto is_image = [&](const Array &each) {
        return each.dimensions() == 4 && each.kind() == input.kind() && each.size() > 0;
    };
    if (!is_image(input) || !is_image(weight) || !is_image(output) || weight.shape(1) != 1 ||
        output.shape(0) != input.shape(0) || output.shape(1) != weight.shape(0) ||
        weight.shape(0) % input.shape(1) != 0) {
        return false;
    }
    found.y = {input.shape(2), weight.shape(2), output.shape(2), std::get<0>(stride),
               std::get<0>(padding), std::get<0>(dilation)};
    found.x = {input.shape(3), weight.shape(3), output.shape(3), std::get<1>(stride),
               std::get<1>(padding), std::get<1>(dilation)};
    found.batch = input.shape(0);
    found.groups = input.shape(1);
    found.features = weight.shape(0);
    for (const Axis &axis : {found.y, found.x}) {
        // No window goes beyond the padding.
        if (axis.stride < 1 || axis.dilation < 1 || axis.padding < 0 ||
            axis.at(axis.out - 1, axis.kernel - 1) >= axis.size + axis.padding)
            return false;
    }
    return true;
}

// Calls work(0.0f) or work(0.0) by the type of an array.
template <class Work>
bool of_type(const Array &array, const Work &work) {
    if (array.kind() == Kind::float32) work(float{});
    else if (array.kind() == Kind::float64) work(double{});
    else return false;
    return true;
}

bool forward(
    nb::object input_, nb::object weight_, nb::object bias_, nb::object out_, Pair stride, Pair padding,
    Pair dilation, int threads) {
    Array input, weight, bias, out;
    Image of;
    if (!input.take(input_.ptr(), false) || !weight.take(weight_.ptr(), false) ||
        !out.take(out_.ptr(), true) || !fits(input, weight, out, stride, padding, dilation, of)) {
        return false;
    }
    if (!bias_.is_none() && (!bias.take(bias_.ptr(), false) || bias.kind() != input.kind() ||
                             bias.size() != of.features)) {
        return false;
    }
    nb::gil_scoped_release unlocked;
    return of_type(input, [&](auto number) {
        using T = decltype(number);
        for_parts(of.batch * of.features, of.output_plane() * of.taps(), threads,
                  [&](int64_t begin, int64_t end) {
                      outputs_of(of, input.data<T>(), weight.data<T>(), bias.data<T>(), out.data<T>(),
                                 begin, end);
                  });
    });
}

bool input_grad(
    nb::object grad_, nb::object weight_, nb::object result_, Pair stride, Pair padding, Pair dilation,
    int threads) {
    Array grad, weight, result;
    Image of;
    if (!grad.take(grad_.ptr(), false) || !weight.take(weight_.ptr(), false) ||
        !result.take(result_.ptr(), true) || !fits(result, weight, grad, stride, padding, dilation, of)) {
        return false;
    }
    nb::gil_scoped_release unlocked;
    return of_type(grad, [&](auto number) {
        using T = decltype(number);
        for_parts(of.batch * of.groups, of.features / of.groups * of.output_plane() * of.taps(), threads,
                  [&](int64_t begin, int64_t end) {
                      input_grads_of(
                          of, grad.data<T>(), weight.data<T>(), result.data<T>(), begin, end);
                  });
    });
}

bool weight_grad(
    nb::object input_, nb::object grad_, nb::object result_, Pair stride, Pair padding, Pair dilation,
    int threads) {
    Array input, grad, result;
    Image of;
    if (!input.take(input_.ptr(), false) || !grad.take(grad_.ptr(), false) ||
        !result.take(result_.ptr(), true) || !fits(input, result, grad, stride, padding, dilation, of)) {
        return false;
    }
    nb::gil_scoped_release unlocked;
    return of_type(input, [&](auto number) {
        using T = decltype(number);
        for_parts(of.features, of.batch * of.output_plane() * of.taps(), threads,
                  [&](int64_t begin, int64_t end) {
                      weight_grads_of(
                          of, input.data<T>(), grad.data<T>(), result.data<T>(), begin, end);
                  });
    });
}

}  // namespace

void bind_depthwise(nb::module_ &module) {
    module.def(
        "depthwise", &forward, nb::arg(), nb::arg(), nb::arg().none(), nb::arg(), nb::arg(), nb::arg(),
        nb::arg(), nb::arg());
    module.def("depthwise_input_grad", &input_grad);
    module.def("depthwise_weight_grad", &weight_grad);
}

}  // namespace lamella
