// float16 and bfloat16, kept as 16 bits and computed in float32.
#pragma once

#include <cstdint>

namespace lamella {

using Half = uint16_t;

// Exact.
void widen_float16(const Half *from, float *to, int64_t count);
void widen_bfloat16(const Half *from, float *to, int64_t count);

// Rounded to the nearest, half-way cases to even.
void narrow_float16(const float *from, Half *to, int64_t count);
void narrow_bfloat16(const float *from, Half *to, int64_t count);

struct HalfType {
    void (*widen)(const Half *, float *, int64_t);
    void (*narrow)(const float *, Half *, int64_t);
};

constexpr HalfType FLOAT16{widen_float16, narrow_float16};
constexpr HalfType BFLOAT16{widen_bfloat16, narrow_bfloat16};

}  // namespace lamella
