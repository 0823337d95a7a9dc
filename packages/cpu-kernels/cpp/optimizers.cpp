// The updates of optimizers, fused: every array is read and written once.
//
// Each operation is rounded as NumPy's kernels round it, in the same order, so that the numbers are the
// same to the last bit with and without this package; but for large parameters, whose scaled sums are
// there the BLAS's, which rounds them once.
#include <nanobind/nanobind.h>

#include <cmath>

#include "arrays.hpp"
#include "clones.hpp"
#include "parallel.hpp"

namespace nb = nanobind;

namespace lamella {
namespace {

// Whether all arrays are of one floating type, and each list's i-th array has the i-th size.
bool alike(const std::vector<Array> &arrays, size_t count, std::vector<int64_t> &sizes, Kind &kind) {
    if (count == 0 || arrays.size() % count != 0) return false;
    kind = arrays[0].kind();
    if (kind != Kind::float32 && kind != Kind::float64) return false;
    for (size_t i = 0; i < count; ++i) sizes.push_back(arrays[i].size());
    for (size_t i = 0; i < arrays.size(); ++i) {
        if (arrays[i].kind() != kind || arrays[i].size() != sizes[i % count]) return false;
    }
    return true;
}

struct Momentum {
    double rate, momentum, undamped, weight_decay;
    bool nesterov, maximize;
};

template <class T>
inline __attribute__((always_inline)) void momentum_loop(
    T *param, const T *grad, T *buffer, int64_t begin, int64_t end, const Momentum &how) {
    const T rate = how.rate, momentum = how.momentum, undamped = how.undamped;
    const T decay = how.weight_decay, sign = how.maximize ? -1 : 1;
    const bool decays = decay != 0, nesterov = how.nesterov;
    for (int64_t i = begin; i < end; ++i) {
        T along = sign * grad[i];
        if (decays) along += decay * param[i];
        const T moved = momentum * buffer[i] + undamped * along;
        buffer[i] = moved;
        param[i] -= rate * (nesterov ? along + momentum * moved : moved);
    }
}

LAMELLA_CLONES void momentum_float(
    float *p, const float *g, float *b, int64_t begin, int64_t end, const Momentum &how) {
    momentum_loop(p, g, b, begin, end, how);
}

LAMELLA_CLONES void momentum_double(
    double *p, const double *g, double *b, int64_t begin, int64_t end, const Momentum &how) {
    momentum_loop(p, g, b, begin, end, how);
}

struct Moments {
    double beta1, share1, beta2, share2, weight_decay, shrink, rate, eps;
    bool maximize;
};

template <class T>
inline __attribute__((always_inline)) void adam_loop(
    T *param, const T *grad, T *mean, T *square, T *largest, int64_t begin, int64_t end,
    const Moments &how) {
    const T beta1 = how.beta1, share1 = how.share1, beta2 = how.beta2, share2 = how.share2;
    const T decay = how.weight_decay;
    const T shrink = how.shrink, rate = how.rate, eps = how.eps;
    const T sign = how.maximize ? -1 : 1;
    const bool decays = decay != 0;
    for (int64_t i = begin; i < end; ++i) {
        const T place = param[i] * shrink;
        T along = sign * grad[i];
        if (decays) along += decay * place;
        const T first = mean[i] * beta1 + along * share1;
        const T second = square[i] * beta2 + along * along * share2;
        mean[i] = first;
        square[i] = second;
        T scale = second;
        if (largest != nullptr) {
            // A NaN stays, as in a maximum of arrays.
            scale = largest[i] > second || largest[i] != largest[i] ? largest[i] : second;
            largest[i] = scale;
        }
        param[i] = place + first / (std::sqrt(scale) + eps) * rate;
    }
}

LAMELLA_CLONES void adam_float(
    float *p, const float *g, float *m, float *s, float *l, int64_t begin, int64_t end,
    const Moments &how) {
    if (l == nullptr) adam_loop<float>(p, g, m, s, nullptr, begin, end, how);
    else adam_loop(p, g, m, s, l, begin, end, how);
}

LAMELLA_CLONES void adam_double(
    double *p, const double *g, double *m, double *s, double *l, int64_t begin, int64_t end,
    const Moments &how) {
    if (l == nullptr) adam_loop<double>(p, g, m, s, nullptr, begin, end, how);
    else adam_loop(p, g, m, s, l, begin, end, how);
}

bool sgd_momentum(
    nb::list params, nb::list grads, nb::list buffers, nb::list fresh, double lr, double momentum,
    double dampening, double weight_decay, bool nesterov, bool maximize, int threads) {
    const size_t count = nb::len(params);
    std::vector<Array> arrays;
    arrays.reserve(3 * count);
    if (!take_all(params.ptr(), true, arrays) || !take_all(grads.ptr(), false, arrays) ||
        !take_all(buffers.ptr(), true, arrays)) {
        return false;
    }
    std::vector<int64_t> sizes;
    Kind kind;
    if (nb::len(fresh) != count || !alike(arrays, count, sizes, kind)) return false;
    std::vector<Momentum> how;
    for (size_t i = 0; i < count; ++i) {
        const double undamped = nb::cast<bool>(fresh[i]) ? 1.0 : 1.0 - dampening;
        how.push_back({lr, momentum, undamped, weight_decay, nesterov, maximize});
    }
    nb::gil_scoped_release release;
    for_elements(sizes, threads, [&](size_t i, int64_t begin, int64_t end) {
        const Array &p = arrays[i], &g = arrays[count + i], &b = arrays[2 * count + i];
        if (kind == Kind::float32)
            momentum_float(p.data<float>(), g.data<float>(), b.data<float>(), begin, end, how[i]);
        else
            momentum_double(p.data<double>(), g.data<double>(), b.data<double>(), begin, end, how[i]);
    });
    return true;
}

bool adam(
    nb::list params, nb::list grads, nb::list means, nb::list squares, nb::list largest,
    nb::list steps, double lr, double beta1, double beta2, double eps, double weight_decay,
    bool decoupled, bool maximize, int threads) {
    const size_t count = nb::len(params);
    const bool keeps_largest = nb::len(largest) != 0;
    std::vector<Array> arrays;
    arrays.reserve((keeps_largest ? 5 : 4) * count);
    if (!take_all(params.ptr(), true, arrays) || !take_all(grads.ptr(), false, arrays) ||
        !take_all(means.ptr(), true, arrays) || !take_all(squares.ptr(), true, arrays) ||
        !take_all(largest.ptr(), true, arrays)) {
        return false;
    }
    std::vector<int64_t> sizes;
    Kind kind;
    if (nb::len(steps) != count || !alike(arrays, count, sizes, kind)) return false;
    std::vector<Moments> how;
    for (size_t i = 0; i < count; ++i) {
        const double step = nb::cast<double>(steps[i]);
        const double correction = std::sqrt(1 - std::pow(beta2, step));
        how.push_back({
            beta1, 1 - beta1, beta2, 1 - beta2, decoupled ? 0 : weight_decay,
            decoupled ? 1 - lr * weight_decay : 1, -lr * correction / (1 - std::pow(beta1, step)),
            eps * correction, maximize});
    }
    nb::gil_scoped_release release;
    for_elements(sizes, threads, [&](size_t i, int64_t begin, int64_t end) {
        const Array &p = arrays[i], &g = arrays[count + i], &m = arrays[2 * count + i];
        const Array &s = arrays[3 * count + i];
        if (kind == Kind::float32)
            adam_float(
                p.data<float>(), g.data<float>(), m.data<float>(), s.data<float>(),
                keeps_largest ? arrays[4 * count + i].data<float>() : nullptr, begin, end, how[i]);
        else
            adam_double(
                p.data<double>(), g.data<double>(), m.data<double>(), s.data<double>(),
                keeps_largest ? arrays[4 * count + i].data<double>() : nullptr, begin, end, how[i]);
    });
    return true;
}

}  // namespace

void bind_optimizers(nb::module_ &module) {
    module.def("sgd_momentum", &sgd_momentum);
    module.def("adam", &adam);
}

}  // namespace lamella
