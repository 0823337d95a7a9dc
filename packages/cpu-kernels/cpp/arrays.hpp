// Arrays as kernels see them: plain pointers into the memory of NumPy arrays.
#pragma once

#include <Python.h>

#include <cstdint>
#include <vector>

namespace lamella {

enum class Kind { float32, float64, int32, int64, uint64, other };

// A contiguous buffer, held until the end of the scope.
class Array {
public:
    Array() = default;
    Array(const Array &) = delete;
    Array &operator=(const Array &) = delete;
    Array(Array &&other) noexcept : buffer_(other.buffer_), held_(other.held_) { other.held_ = false; }
    ~Array() {
        if (held_) PyBuffer_Release(&buffer_);
    }

    // Whether the object gives a contiguous buffer, writable where that is asked for.
    bool take(PyObject *object, bool writable) {
        const int flags = PyBUF_C_CONTIGUOUS | PyBUF_FORMAT | (writable ? PyBUF_WRITABLE : 0);
        if (PyObject_GetBuffer(object, &buffer_, flags) != 0) {
            PyErr_Clear();
            return false;
        }
        held_ = true;
        return true;
    }

    Kind kind() const {
        const char *format = buffer_.format;
        if (format == nullptr || format[0] == '\0' || format[1] != '\0') return Kind::other;
        switch (format[0]) {
        case 'f': return Kind::float32;
        case 'd': return Kind::float64;
        case 'i':
        case 'l':
        case 'q':
            return buffer_.itemsize == 8   ? Kind::int64
                   : buffer_.itemsize == 4 ? Kind::int32
                                           : Kind::other;
        case 'L':
        case 'Q': return buffer_.itemsize == 8 ? Kind::uint64 : Kind::other;
        default: return Kind::other;
        }
    }

    int64_t size() const { return buffer_.itemsize ? buffer_.len / buffer_.itemsize : 0; }
    int64_t itemsize() const { return buffer_.itemsize; }
    int dimensions() const { return buffer_.ndim; }
    int64_t shape(int dimension) const { return buffer_.shape[dimension]; }

    template <class T> T *data() const { return static_cast<T *>(buffer_.buf); }

    // Whether no byte is in both.
    bool apart_from(const Array &other) const {
        const char *x = data<char>(), *y = other.data<char>();
        return x + buffer_.len <= y || y + other.buffer_.len <= x;
    }

private:
    Py_buffer buffer_{};
    bool held_ = false;
};

// The arrays of a list; false where one is not contiguous.
inline bool take_all(PyObject *list, bool writable, std::vector<Array> &arrays) {
    const Py_ssize_t count = PyList_GET_SIZE(list);
    arrays.reserve(arrays.size() + count);
    for (Py_ssize_t i = 0; i < count; ++i) {
        arrays.emplace_back();
        if (!arrays.back().take(PyList_GET_ITEM(list, i), writable)) return false;
    }
    return true;
}

}  // namespace lamella
