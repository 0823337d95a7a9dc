// Random numbers: words of the twister, normal numbers of words, swaps of a shuffle.
#include <nanobind/nanobind.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <utility>

#include "arrays.hpp"
#include "bits.hpp"
#include "clones.hpp"

namespace nb = nanobind;

namespace lamella {
namespace {

constexpr int KEY = 624, AHEAD = 397;

// The twister's state as NumPy keeps it.
struct Twister {
    uint32_t key[KEY];
    int32_t used;
};

inline uint32_t twisted(uint32_t high, uint32_t low, uint32_t other) {
    const uint32_t bits = (high & 0x80000000u) | (low & 0x7fffffffu);
    return other ^ (bits >> 1) ^ ((0u - (low & 1u)) & 0x9908b0dfu);
}

// M. Matsumoto and T. Nishimura, "Mersenne Twister", ACM TOMACS 8(1), 1998.
LAMELLA_CLONES void twist(uint32_t *key) {
    for (int i = 0; i < KEY - AHEAD; ++i) key[i] = twisted(key[i], key[i + 1], key[i + AHEAD]);
    for (int i = KEY - AHEAD; i < KEY - 1; ++i)
        key[i] = twisted(key[i], key[i + 1], key[i - (KEY - AHEAD)]);
    key[KEY - 1] = twisted(key[KEY - 1], key[0], key[AHEAD - 1]);
}

LAMELLA_CLONES void temper(const uint32_t *key, uint64_t *words, int64_t count) {
    for (int64_t i = 0; i < count; ++i) {
        uint32_t word = key[i];
        word ^= word >> 11;
        word ^= (word << 7) & 0x9d2c5680u;
        word ^= (word << 15) & 0xefc60000u;
        words[i] = word ^ (word >> 18);
    }
}

bool draw_words(uintptr_t address, nb::object words_) {
    Array words;
    if (!words.take(words_.ptr(), true) || words.kind() != Kind::uint64) return false;
    nb::gil_scoped_release unlocked;
    Twister &twister = *reinterpret_cast<Twister *>(address);
    uint64_t *out = words.data<uint64_t>();
    for (int64_t rest = words.size(); rest > 0;) {
        if (twister.used >= KEY) {
            twist(twister.key);
            twister.used = 0;
        }
        const int64_t count = std::min<int64_t>(rest, KEY - twister.used);
        temper(twister.key + twister.used, out, count);
        twister.used += static_cast<int32_t>(count);
        out += count;
        rest -= count;
    }
    return true;
}

// As lamella_core.random.box_muller, step for step; there it says where they come from.
inline float radius(int32_t k) {
    constexpr int32_t sqrt_half = 0x3f3504f3;
    const int32_t bits =
        static_cast<int32_t>(bits_of(static_cast<float>((1 << 24) - k))) - (sqrt_half + (24 << 23));
    const float exponent = static_cast<float>(bits >> 23);
    const float r = number_of((bits & 0x7fffff) + sqrt_half) - 1.0f;
    const float square = r * r;
    float y = std::fma(7.0376836292e-2f, r, -1.1514610310e-1f);
    y = std::fma(y, r, 1.1676998740e-1f);
    y = std::fma(y, r, -1.2420140846e-1f);
    y = std::fma(y, r, 1.4249322787e-1f);
    y = std::fma(y, r, -1.6668057665e-1f);
    y = std::fma(y, r, 2.0000714765e-1f);
    y = std::fma(y, r, -2.4999993993e-1f);
    y = std::fma(y, r, 3.3333331174e-1f);
    y *= r;
    y = std::fma(y, square, exponent * -2.12194440e-4f);
    y -= 0.5f * square;
    y += r;
    y += exponent * 0.693359375f;
    return std::sqrt(-2.0f * y);
}

inline void turn(int32_t k, float &cosine, float &sine) {
    constexpr float angle = 6.283185307179586f * 0x1p-24f;
    const int32_t quadrant = (k + (1 << 21)) >> 22;
    const float j = static_cast<float>(quadrant);
    float r = static_cast<float>(k) * angle;
    r -= j * (2 * 0.78515625f);
    r -= j * (2 * 2.4187564849853515625e-4f);
    r = std::fma(j, -2 * 3.77489497744594108e-8f, r);
    const float square = r * r;
    float c = std::fma(square, 2.443315711809948e-5f, -1.388731625493765e-3f);
    c = std::fma(c, square, 4.166664568298827e-2f);
    c *= square;
    c = std::fma(c, square, -0.5f * square) + 1.0f;
    float s = std::fma(square, -1.9515295891e-4f, 8.3321608736e-3f);
    s = std::fma(s, square, -1.6666654611e-1f);
    s *= square;
    s = std::fma(s, r, r);
    const bool swap = quadrant & 1;
    cosine = number_of(bits_of(swap ? s : c) ^ (((quadrant + 1) & 2) << 30));
    sine = number_of(bits_of(swap ? c : s) ^ ((quadrant & 2) << 30));
}

constexpr int64_t PAIRS = 512;

LAMELLA_FUSED_CLONES void pairs_of(
    const int32_t *first, const int32_t *second, float *cosines, float *sines, int64_t count) {
    for (int64_t i = 0; i < count; ++i) {
        float cosine, sine;
        turn(second[i], cosine, sine);
        const float length = radius(first[i]);
        // PyTorch adds the mean, which makes -0 to 0.
        cosines[i] = cosine * length + 0.0f;
        sines[i] = sine * length + 0.0f;
    }
}

LAMELLA_CLONES void scale(float *numbers, int64_t count, double mean, double deviation) {
    for (int64_t i = 0; i < count; ++i)
        numbers[i] = static_cast<float>(static_cast<double>(numbers[i]) * deviation + mean);
}

// Of every 16 words the first eight give the lengths, the last eight the angles; of the numbers, the
// first eight are the cosines, the last eight the sines of the same pairs.
bool normal_blocks(nb::object words_, nb::object out_, double mean, double deviation) {
    Array words, out;
    if (!words.take(words_.ptr(), false) || !out.take(out_.ptr(), true) ||
        words.kind() != Kind::uint64 || out.kind() != Kind::float32 ||
        words.size() != out.size() || words.size() % 16 != 0) {
        return false;
    }
    nb::gil_scoped_release unlocked;
    const uint64_t *word = words.data<uint64_t>();
    float *number = out.data<float>();
    int32_t first[PAIRS], second[PAIRS];
    float cosines[PAIRS], sines[PAIRS];
    for (int64_t rest = out.size() / 2; rest > 0; rest -= PAIRS) {
        const int64_t count = std::min(rest, PAIRS);
        for (int64_t i = 0; i < count; i += 8, word += 16) {
            for (int64_t lane = 0; lane < 8; ++lane) {
                first[i + lane] = static_cast<int32_t>(word[lane] & 0xffffff);
                second[i + lane] = static_cast<int32_t>(word[lane + 8] & 0xffffff);
            }
        }
        pairs_of(first, second, cosines, sines, count);
        for (int64_t i = 0; i < count; i += 8, number += 16) {
            std::memcpy(number, cosines + i, 8 * sizeof(float));
            std::memcpy(number + 8, sines + i, 8 * sizeof(float));
        }
    }
    if (mean != 0.0 || deviation != 1.0)
        scale(
            out.data<float>(), out.size(), static_cast<float>(mean), static_cast<float>(deviation));
    return true;
}

template <class T>
void swap_in_turn(T *values, int64_t size, const uint64_t *words, int64_t count) {
    for (int64_t i = 0; i < count; ++i)
        std::swap(
            values[i], values[i + static_cast<uint32_t>(words[i]) % static_cast<uint32_t>(size - i)]);
}

// Swaps each of the first elements with one that its word chooses from itself on.
bool swaps(nb::object values_, nb::object words_) {
    Array values, words;
    if (!values.take(values_.ptr(), true) || !words.take(words_.ptr(), false) ||
        words.kind() != Kind::uint64 || words.size() > values.size() ||
        values.size() > UINT32_MAX) {
        return false;
    }
    nb::gil_scoped_release unlocked;
    const uint64_t *word = words.data<uint64_t>();
    if (values.kind() == Kind::int64)
        swap_in_turn(values.data<int64_t>(), values.size(), word, words.size());
    else if (values.kind() == Kind::float32)
        swap_in_turn(values.data<float>(), values.size(), word, words.size());
    else
        return false;
    return true;
}

}  // namespace

void bind_random(nb::module_ &module) {
    module.def("draw_words", &draw_words);
    module.def("normal_blocks", &normal_blocks);
    module.def("swaps", &swaps);
}

}  // namespace lamella
