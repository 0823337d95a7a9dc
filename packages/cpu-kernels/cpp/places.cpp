// Reading, writing and adding at places that an index names, one element at a time.
//
// Along a dimension an array is (outer, size, inner); the index, (outer, count, inner), has a place in
// [0, size) for each of its elements. Columns, of one outer and one inner place, know nothing of one
// another, and so they go to threads; in each the order is that of the index.
#include <nanobind/nanobind.h>

#include <atomic>
#include <vector>

#include "arrays.hpp"
#include "parallel.hpp"

namespace nb = nanobind;

namespace lamella {
namespace {

struct Columns {
    int64_t outer = 1, size = 1, count = 1, inner = 1;
};

// The sizes of an array and an index along a dimension; false where they differ in another one.
bool columns_of(const Array &array, const Array &index, int dim, Columns &found) {
    if (index.kind() != Kind::int64 || index.dimensions() != array.dimensions() || dim < 0 ||
        dim >= array.dimensions()) {
        return false;
    }
    for (int i = 0; i < array.dimensions(); ++i) {
        if (i == dim) continue;
        if (array.shape(i) != index.shape(i)) return false;
        (i < dim ? found.outer : found.inner) *= array.shape(i);
    }
    found.size = array.shape(dim);
    found.count = index.shape(dim);
    return true;
}

bool all_within(const int64_t *places, int64_t count, int64_t size, int threads) {
    std::atomic<bool> every{true};
    for_parts(count, 1, threads, [&](int64_t begin, int64_t end) {
        bool fits = true;
        for (int64_t i = begin; i < end; ++i)
            fits &= static_cast<uint64_t>(places[i]) < static_cast<uint64_t>(size);
        if (!fits) every = false;
    });
    return every;
}

// Calls work(place in the array, place in the index) for every element.
template <class Work>
void for_places(const Columns &of, const int64_t *index, int threads, const Work &work) {
    if (of.inner == 1) {
        for_parts(of.outer, of.count, threads, [&](int64_t begin, int64_t end) {
            for (int64_t o = begin; o < end; ++o)
                for (int64_t i = o * of.count; i < (o + 1) * of.count; ++i)
                    work(o * of.size + index[i], i);
        });
        return;
    }
    const auto some = [&](int64_t o, int64_t begin, int64_t end) {
        for (int64_t k = 0; k < of.count; ++k) {
            const int64_t from = (o * of.count + k) * of.inner;
            for (int64_t i = from + begin; i < from + end; ++i)
                work((o * of.size + index[i]) * of.inner + i - from, i);
        }
    };
    if (of.outer > 1) {
        for_parts(of.outer, of.count * of.inner, threads, [&](int64_t begin, int64_t end) {
            for (int64_t o = begin; o < end; ++o) some(o, 0, of.inner);
        });
        return;
    }
    for_parts(of.inner, of.count, threads, [&](int64_t begin, int64_t end) { some(0, begin, end); });
}

// Calls work with a number of the type that has so many bytes; false where there is none.
template <class Work>
bool with_bits(int64_t bytes, const Work &work) {
    switch (bytes) {
    case 1: work(uint8_t{}); return true;
    case 2: work(uint16_t{}); return true;
    case 4: work(uint32_t{}); return true;
    case 8: work(uint64_t{}); return true;
    default: return false;
    }
}

// Calls work with a number of the array's type; false where it is none of these.
template <class Work>
bool with_number(const Array &array, const Work &work) {
    switch (array.kind()) {
    case Kind::float32: work(float{}); return true;
    case Kind::float64: work(double{}); return true;
    case Kind::int32: work(uint32_t{}); return true;
    case Kind::int64: work(uint64_t{}); return true;
    default: return false;
    }
}

bool gather(nb::object input_, int dim, nb::object index_, nb::object out_, int threads) {
    Array input, index, out;
    Columns of;
    if (!input.take(input_.ptr(), false) || !index.take(index_.ptr(), false) ||
        !out.take(out_.ptr(), true) || !columns_of(input, index, dim, of) ||
        out.size() != index.size() || out.itemsize() != input.itemsize()) {
        return false;
    }
    nb::gil_scoped_release unlocked;
    const int64_t *place = index.data<int64_t>();
    if (!all_within(place, index.size(), of.size, threads)) return false;
    return with_bits(input.itemsize(), [&](auto number) {
        const auto *from = input.data<decltype(number)>();
        auto *to = out.data<decltype(number)>();
        for_places(of, place, threads, [=](int64_t at, int64_t i) { to[i] = from[at]; });
    });
}

// Whether elements of the source, one for each of the index or one for all, may go to the target.
bool takes(const Array &target, const Array &index, const Array &source, int dim, Columns &of) {
    return columns_of(target, index, dim, of) && source.itemsize() == target.itemsize() &&
           source.kind() == target.kind() && (source.size() == index.size() || source.size() == 1) &&
           target.apart_from(source) && target.apart_from(index);
}

bool scatter(nb::object target_, int dim, nb::object index_, nb::object source_, bool adds, int threads) {
    Array target, index, source;
    Columns of;
    if (!target.take(target_.ptr(), true) || !index.take(index_.ptr(), false) ||
        !source.take(source_.ptr(), false) || !takes(target, index, source, dim, of)) {
        return false;
    }
    nb::gil_scoped_release unlocked;
    const int64_t *place = index.data<int64_t>();
    if (!all_within(place, index.size(), of.size, threads)) return false;
    const int64_t step = source.size() == index.size();
    if (adds) {
        return with_number(target, [&](auto number) {
            const auto *from = source.data<decltype(number)>();
            auto *to = target.data<decltype(number)>();
            for_places(of, place, threads, [=](int64_t at, int64_t i) { to[at] += from[i * step]; });
        });
    }
    return with_bits(target.itemsize(), [&](auto number) {
        const auto *from = source.data<decltype(number)>();
        auto *to = target.data<decltype(number)>();
        for_places(of, place, threads, [=](int64_t at, int64_t i) { to[at] = from[i * step]; });
    });
}

// A place in the first dimensions, as one number; -1 where an index is out of range.
int64_t joined(const std::vector<Array> &indices, const Array &target, int64_t i) {
    int64_t place = 0;
    for (size_t dim = 0; dim < indices.size(); ++dim) {
        const int64_t size = target.shape(static_cast<int>(dim));
        int64_t at = indices[dim].data<int64_t>()[i];
        if (at < 0) at += size;
        if (at < 0 || at >= size) return -1;
        place = place * size + at;
    }
    return place;
}

// Adds what the source has for each element of the indices to where they, one for each of the first
// dimensions, point to; negative ones count from the end.
bool add_at(nb::object target_, nb::list indices_, nb::object source_) {
    Array target, source;
    std::vector<Array> indices;
    if (!target.take(target_.ptr(), true) || !source.take(source_.ptr(), false) ||
        !take_all(indices_.ptr(), false, indices) || indices.empty() ||
        static_cast<int>(indices.size()) > target.dimensions() || source.kind() != target.kind() ||
        !target.apart_from(source)) {
        return false;
    }
    const int64_t count = indices[0].size();
    int64_t length = 1;
    for (int dim = static_cast<int>(indices.size()); dim < target.dimensions(); ++dim)
        length *= target.shape(dim);
    for (const Array &each : indices)
        if (each.kind() != Kind::int64 || each.size() != count || !target.apart_from(each)) return false;
    if (source.size() != count * length) return false;
    nb::gil_scoped_release unlocked;
    for (int64_t i = 0; i < count; ++i)
        if (joined(indices, target, i) < 0) return false;
    return with_number(target, [&](auto number) {
        const auto *from = source.data<decltype(number)>();
        auto *to = target.data<decltype(number)>();
        for (int64_t i = 0; i < count; ++i) {
            auto *row = to + joined(indices, target, i) * length;
            for (int64_t j = 0; j < length; ++j) row[j] += from[i * length + j];
        }
    });
}

}  // namespace

void bind_places(nb::module_ &module) {
    module.def("gather", &gather);
    module.def("scatter", &scatter);
    module.def("add_at", &add_at);
}

}  // namespace lamella
