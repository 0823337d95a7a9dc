// Numbers of float32 as their bits, and back.
#pragma once

#include <cstdint>
#include <cstring>

namespace lamella {

inline uint32_t bits_of(float number) {
    uint32_t bits;
    std::memcpy(&bits, &number, sizeof bits);
    return bits;
}

inline float number_of(uint32_t bits) {
    float number;
    std::memcpy(&number, &bits, sizeof number);
    return number;
}

}  // namespace lamella
