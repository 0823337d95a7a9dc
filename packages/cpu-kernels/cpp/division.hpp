// Remainders and floored quotients of floating numbers, with NumPy's results to the bit.
#pragma once

#include <cstdint>

namespace lamella {

// The remainder of the truncated division: of x's sign.
void fmod_floats(const float *x, const float *y, float *out, int64_t count);
void fmod_doubles(const double *x, const double *y, double *out, int64_t count);

// That of the floored division: of y's sign.
void remainder_floats(const float *x, const float *y, float *out, int64_t count);
void remainder_doubles(const double *x, const double *y, double *out, int64_t count);

// The floored quotient.
void quotient_floats(const float *x, const float *y, float *out, int64_t count);
void quotient_doubles(const double *x, const double *y, double *out, int64_t count);

}  // namespace lamella
