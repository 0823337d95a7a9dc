// Small losses and masks, where NumPy spends its time on calls.
#include <nanobind/nanobind.h>

#include <algorithm>
#include <cmath>

#include "arrays.hpp"
#include "clones.hpp"

namespace nb = nanobind;

namespace lamella {
namespace {

// The loss, and the probabilities, of rows of scores and a class for each. False where a class is
// ignored or none of the row's: the general kernel sees to it.
template <class T>
bool cross_entropy_rows(
    const T *scores, const int64_t *target, T *probabilities, T *loss, int64_t rows, int64_t classes,
    int64_t ignored, bool mean) {
    T total = 0;
    for (int64_t row = 0; row < rows; ++row) {
        const int64_t wanted = target[row];
        if (wanted < 0 || wanted >= classes || wanted == ignored) return false;
    }
    for (int64_t row = 0; row < rows; ++row) {
        const T *x = scores + row * classes;
        T *p = probabilities + row * classes;
        T highest = x[0];
        // Written so that a NaN is found, too.
        for (int64_t c = 1; c < classes; ++c) highest = x[c] > highest || x[c] != x[c] ? x[c] : highest;
        T sum = 0;
        for (int64_t c = 0; c < classes; ++c) {
            p[c] = std::exp(x[c] - highest);
            sum += p[c];
        }
        total += std::log(sum) - (x[target[row]] - highest);
        const T share = 1 / sum;
        for (int64_t c = 0; c < classes; ++c) p[c] *= share;
    }
    *loss = mean ? total / static_cast<T>(rows) : total;
    return true;
}

template <class T>
void cross_entropy_gradient(
    const T *probabilities, const int64_t *target, T *result, int64_t rows, int64_t classes, T factor) {
    for (int64_t i = 0; i < rows * classes; ++i) result[i] = probabilities[i] * factor;
    for (int64_t row = 0; row < rows; ++row) result[row * classes + target[row]] -= factor;
}

// Scores (rows, classes) and as many targets as rows.
bool fits(const Array &scores, const Array &target, const Array &other) {
    return scores.dimensions() == 2 && target.dimensions() == 1 && target.kind() == Kind::int64 &&
           target.size() == scores.shape(0) && target.size() > 0 && scores.shape(1) > 0 &&
           other.kind() == scores.kind() && other.size() == scores.size();
}

bool cross_entropy(
    nb::object scores_, nb::object target_, nb::object probabilities_, nb::object loss_,
    int64_t ignored, bool mean) {
    Array scores, target, probabilities, loss;
    if (!scores.take(scores_.ptr(), false) || !target.take(target_.ptr(), false) ||
        !probabilities.take(probabilities_.ptr(), true) || !loss.take(loss_.ptr(), true) ||
        !fits(scores, target, probabilities) || loss.kind() != scores.kind() || loss.size() != 1) {
        return false;
    }
    const int64_t rows = scores.shape(0), classes = scores.shape(1);
    if (scores.kind() == Kind::float32)
        return cross_entropy_rows(
            scores.data<float>(), target.data<int64_t>(), probabilities.data<float>(),
            loss.data<float>(), rows, classes, ignored, mean);
    if (scores.kind() == Kind::float64)
        return cross_entropy_rows(
            scores.data<double>(), target.data<int64_t>(), probabilities.data<double>(),
            loss.data<double>(), rows, classes, ignored, mean);
    return false;
}

// The targets were checked when the loss was computed, and are checked again: they may have changed.
bool cross_entropy_backward(
    nb::object probabilities_, nb::object target_, nb::object result_, double factor) {
    Array probabilities, target, result;
    if (!probabilities.take(probabilities_.ptr(), false) || !target.take(target_.ptr(), false) ||
        !result.take(result_.ptr(), true) || !fits(probabilities, target, result)) {
        return false;
    }
    const int64_t rows = probabilities.shape(0), classes = probabilities.shape(1);
    const int64_t *wanted = target.data<int64_t>();
    for (int64_t row = 0; row < rows; ++row) {
        if (wanted[row] < 0 || wanted[row] >= classes) return false;
    }
    if (probabilities.kind() == Kind::float32)
        cross_entropy_gradient(
            probabilities.data<float>(), wanted, result.data<float>(), rows, classes,
            static_cast<float>(factor));
    else if (probabilities.kind() == Kind::float64)
        cross_entropy_gradient(
            probabilities.data<double>(), wanted, result.data<double>(), rows, classes, factor);
    else
        return false;
    return true;
}

LAMELLA_CLONES void keep_above_float(
    const float *grad, const float *input, float threshold, float *result, int64_t size) {
    for (int64_t i = 0; i < size; ++i) result[i] = input[i] <= threshold ? 0.0f : grad[i];
}

LAMELLA_CLONES void keep_above_double(
    const double *grad, const double *input, double threshold, double *result, int64_t size) {
    for (int64_t i = 0; i < size; ++i) result[i] = input[i] <= threshold ? 0.0 : grad[i];
}

bool threshold_backward(
    nb::object grad_, nb::object input_, double threshold, nb::object result_) {
    Array grad, input, result;
    if (!grad.take(grad_.ptr(), false) || !input.take(input_.ptr(), false) ||
        !result.take(result_.ptr(), true) || grad.size() != input.size() ||
        grad.size() != result.size() || grad.kind() != input.kind() ||
        grad.kind() != result.kind()) {
        return false;
    }
    if (grad.kind() == Kind::float32)
        keep_above_float(
            grad.data<float>(), input.data<float>(), static_cast<float>(threshold),
            result.data<float>(), grad.size());
    else if (grad.kind() == Kind::float64)
        keep_above_double(
            grad.data<double>(), input.data<double>(), threshold, result.data<double>(), grad.size());
    else
        return false;
    return true;
}

}  // namespace

void bind_losses(nb::module_ &module) {
    module.def("cross_entropy", &cross_entropy);
    module.def("cross_entropy_backward", &cross_entropy_backward);
    module.def("threshold_backward", &threshold_backward);
}

}  // namespace lamella
