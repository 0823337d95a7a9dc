// NumPy's ufuncs with loops of our own for some types; all other loops are NumPy's.
//
// A ufunc takes operands of any strides, broadcasts, and writes into ``out``; the loops here see a
// run of elements. NumPy's own ufuncs stay as they are.
#include <nanobind/nanobind.h>

#include <cfenv>
#include <cstring>
#include <deque>
#include <string>
#include <vector>

#define NPY_NO_DEPRECATED_API NPY_2_0_API_VERSION
#define NPY_TARGET_VERSION NPY_2_0_API_VERSION
#include <numpy/arrayobject.h>
#include <numpy/ufuncobject.h>

#include "clones.hpp"
#include "division.hpp"
#include "half.hpp"

namespace nb = nanobind;

namespace lamella {
namespace {

constexpr int64_t BLOCK = 512;

// The elements as a contiguous run: those in memory, or a copy of them.
template <class T>
const T *gathered(const char *from, npy_intp step, T *spare, int64_t count) {
    if (step == sizeof(T)) return reinterpret_cast<const T *>(from);
    for (int64_t i = 0; i < count; ++i) spare[i] = *reinterpret_cast<const T *>(from + i * step);
    return spare;
}

template <class T>
void scattered(const T *from, char *to, npy_intp step, int64_t count) {
    if (step == sizeof(T)) {
        std::memcpy(to, from, count * sizeof(T));
        return;
    }
    for (int64_t i = 0; i < count; ++i) *reinterpret_cast<T *>(to + i * step) = from[i];
}

// How many elements are computed at once: one, where each result is an operand of the next.
int64_t length_of(npy_intp out_step, int64_t rest) {
    const int64_t most = out_step ? BLOCK : 1;
    return rest < most ? rest : most;
}

template <class T>
using Binary = void (*)(const T *, const T *, T *, int64_t);

// What a division or a conversion raises in between is no concern of the caller's.
class KeptFlags {
public:
    KeptFlags() { std::fegetexceptflag(&flags_, FE_ALL_EXCEPT); }
    ~KeptFlags() { std::fesetexceptflag(&flags_, FE_ALL_EXCEPT); }

private:
    std::fexcept_t flags_;
};

template <class T, Binary<T> work>
void binary_loop(char **places, const npy_intp *sizes, const npy_intp *steps, void *) {
    const KeptFlags kept;
    T left[BLOCK], right[BLOCK], result[BLOCK];
    int64_t count;
    for (int64_t start = 0; start < sizes[0]; start += count) {
        count = length_of(steps[2], sizes[0] - start);
        const T *x = gathered(places[0] + start * steps[0], steps[0], left, count);
        const T *y = gathered(places[1] + start * steps[1], steps[1], right, count);
        char *out = places[2] + start * steps[2];
        if (steps[2] == sizeof(T)) {
            work(x, y, reinterpret_cast<T *>(out), count);
            continue;
        }
        work(x, y, result, count);
        scattered(result, out, steps[2], count);
    }
}

template <const HalfType &type, Binary<float> work>
void half_loop(char **places, const npy_intp *sizes, const npy_intp *steps, void *) {
    Half halves[BLOCK];
    float left[BLOCK], right[BLOCK];
    int64_t count;
    for (int64_t start = 0; start < sizes[0]; start += count) {
        count = length_of(steps[2], sizes[0] - start);
        type.widen(gathered(places[0] + start * steps[0], steps[0], halves, count), left, count);
        type.widen(gathered(places[1] + start * steps[1], steps[1], halves, count), right, count);
        work(left, right, left, count);
        char *out = places[2] + start * steps[2];
        if (steps[2] == sizeof(Half)) {
            type.narrow(left, reinterpret_cast<Half *>(out), count);
            continue;
        }
        type.narrow(left, halves, count);
        scattered(halves, out, steps[2], count);
    }
}

template <class From, class To, void (*work)(const From *, To *, int64_t)>
void conversion_loop(char **places, const npy_intp *sizes, const npy_intp *steps, void *) {
    const KeptFlags kept;
    From given[BLOCK];
    To result[BLOCK];
    for (int64_t start = 0; start < sizes[0]; start += BLOCK) {
        const int64_t count = sizes[0] - start < BLOCK ? sizes[0] - start : BLOCK;
        const From *x = gathered(places[0] + start * steps[0], steps[0], given, count);
        char *out = places[1] + start * steps[1];
        if (steps[1] == sizeof(To)) {
            work(x, reinterpret_cast<To *>(out), count);
            continue;
        }
        work(x, result, count);
        scattered(result, out, steps[1], count);
    }
}

// The results may lie where the left operand does, element by element: "omp simd" allows for that.
LAMELLA_CLONES void add(const float *x, const float *y, float *out, int64_t count) {
#pragma omp simd
    for (int64_t i = 0; i < count; ++i) out[i] = x[i] + y[i];
}

LAMELLA_CLONES void subtract(const float *x, const float *y, float *out, int64_t count) {
#pragma omp simd
    for (int64_t i = 0; i < count; ++i) out[i] = x[i] - y[i];
}

LAMELLA_CLONES void multiply(const float *x, const float *y, float *out, int64_t count) {
#pragma omp simd
    for (int64_t i = 0; i < count; ++i) out[i] = x[i] * y[i];
}

LAMELLA_CLONES void divide(const float *x, const float *y, float *out, int64_t count) {
#pragma omp simd
    for (int64_t i = 0; i < count; ++i) out[i] = x[i] / y[i];
}

// NaN stays. Both comparisons are made, without a branch.
LAMELLA_CLONES void greater(const float *x, const float *y, float *out, int64_t count) {
#pragma omp simd
    for (int64_t i = 0; i < count; ++i) out[i] = (x[i] >= y[i]) | (x[i] != x[i]) ? x[i] : y[i];
}

LAMELLA_CLONES void lesser(const float *x, const float *y, float *out, int64_t count) {
#pragma omp simd
    for (int64_t i = 0; i < count; ++i) out[i] = (x[i] <= y[i]) | (x[i] != x[i]) ? x[i] : y[i];
}

// What a ufunc refers to for as long as the process lives.
struct Loops {
    std::vector<PyUFuncGenericFunction> functions;
    std::vector<void *> data;
    std::vector<char> types;
    std::string name;
};

std::deque<Loops> kept;

struct Own {
    int type;
    PyUFuncGenericFunction loop;
};

// Without an identity: these are called, not reduced with.
nb::object ufunc_of(Loops &loops, int inputs) {
    return nb::steal(PyUFunc_FromFuncAndData(
        loops.functions.data(), loops.data.data(), loops.types.data(),
        static_cast<int>(loops.functions.size()), inputs, 1, PyUFunc_None, loops.name.c_str(), "", 0));
}

void register_loop(nb::object &ufunc, int type, PyUFuncGenericFunction loop, std::vector<int> types) {
    if (PyUFunc_RegisterLoopForType(
            reinterpret_cast<PyUFuncObject *>(ufunc.ptr()), type, loop, types.data(), nullptr) < 0)
        throw nb::python_error();
}

// NumPy's ufunc of a name with own loops for operands and results of single types.
nb::object with_own(nb::module_ &numpy, const char *name, int brain_type, std::vector<Own> own) {
    nb::object given = numpy.attr(name);
    const auto *base = reinterpret_cast<PyUFuncObject *>(given.ptr());
    Loops &loops = kept.emplace_back();
    loops.name = name;
    for (int i = 0; i < base->ntypes; ++i) {
        const char *types = base->types + 3 * i;
        PyUFuncGenericFunction function = base->functions[i];
        for (const Own &each : own)
            if (types[0] == each.type && types[1] == each.type && types[2] == each.type)
                function = each.loop;
        loops.functions.push_back(function);
        loops.data.push_back(base->data == nullptr ? nullptr : base->data[i]);
        loops.types.insert(loops.types.end(), types, types + 3);
    }
    nb::object result = ufunc_of(loops, 2);
    reinterpret_cast<PyUFuncObject *>(result.ptr())->type_resolver = base->type_resolver;
    for (const Own &each : own)
        if (each.type == brain_type)
            register_loop(result, brain_type, each.loop, {brain_type, brain_type, brain_type});
    return result;
}

nb::object conversion(const char *name, int from, int to, PyUFuncGenericFunction loop) {
    Loops &loops = kept.emplace_back();
    loops.name = name;
    loops.functions.push_back(loop);
    loops.data.push_back(nullptr);
    loops.types = {static_cast<char>(from), static_cast<char>(to)};
    return ufunc_of(loops, 1);
}

// A list of NumPy's names with the ufuncs that stand for them; and conversions, by names of ours.
nb::dict ufuncs(int brain_type) {
    if (PyArray_ImportNumPyAPI() < 0 || PyUFunc_ImportUFuncAPI() < 0) throw nb::python_error();
    nb::module_ numpy = nb::module_::import_("numpy");
    nb::dict found;
    const auto put = [&](const char *name, std::vector<Own> own) {
        found[name] = with_own(numpy, name, brain_type, std::move(own));
    };
    const auto put_half = [&](const char *name, PyUFuncGenericFunction half, PyUFuncGenericFunction brain) {
        put(name, {{NPY_HALF, half}, {brain_type, brain}});
    };
    put_half("add", half_loop<FLOAT16, add>, half_loop<BFLOAT16, add>);
    put_half("subtract", half_loop<FLOAT16, subtract>, half_loop<BFLOAT16, subtract>);
    put_half("multiply", half_loop<FLOAT16, multiply>, half_loop<BFLOAT16, multiply>);
    put_half("true_divide", half_loop<FLOAT16, divide>, half_loop<BFLOAT16, divide>);
    put_half("maximum", half_loop<FLOAT16, greater>, half_loop<BFLOAT16, greater>);
    put_half("minimum", half_loop<FLOAT16, lesser>, half_loop<BFLOAT16, lesser>);
    put("fmod",
        {{NPY_FLOAT, binary_loop<float, fmod_floats>}, {NPY_DOUBLE, binary_loop<double, fmod_doubles>}});
    put("remainder",
        {{NPY_FLOAT, binary_loop<float, remainder_floats>},
         {NPY_DOUBLE, binary_loop<double, remainder_doubles>}});
    put("floor_divide",
        {{NPY_FLOAT, binary_loop<float, quotient_floats>},
         {NPY_DOUBLE, binary_loop<double, quotient_doubles>}});
    nb::object widen = conversion(
        "widen", NPY_HALF, NPY_FLOAT, conversion_loop<Half, float, widen_float16>);
    register_loop(
        widen, brain_type, conversion_loop<Half, float, widen_bfloat16>, {brain_type, NPY_FLOAT});
    found["widen"] = widen;
    found["to_float16"] = conversion(
        "to_float16", NPY_FLOAT, NPY_HALF, conversion_loop<float, Half, narrow_float16>);
    Loops &none = kept.emplace_back();
    none.name = "to_bfloat16";
    nb::object narrow = ufunc_of(none, 1);
    register_loop(
        narrow, brain_type, conversion_loop<float, Half, narrow_bfloat16>, {NPY_FLOAT, brain_type});
    found["to_bfloat16"] = narrow;
    return found;
}

}  // namespace

void bind_ufuncs(nb::module_ &module) { module.def("ufuncs", &ufuncs); }

}  // namespace lamella
