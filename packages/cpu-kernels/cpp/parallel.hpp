// A loop over the elements of many arrays, spread over threads that end with the call.
#pragma once

#include <algorithm>
#include <cstdint>
#include <thread>
#include <vector>

namespace lamella {

// Elements for each thread: below this, starting it costs more than it saves.
constexpr int64_t GRAIN = 1 << 18;

// Calls work(i, begin, end) so that every element of every array is covered once. No thread outlives
// the call, so that a process may fork afterwards.
template <class Work>
void for_elements(const std::vector<int64_t> &sizes, int threads, const Work &work) {
    int64_t total = 0;
    for (int64_t size : sizes) total += size;
    const int64_t count = std::min<int64_t>(threads, total / GRAIN);
    const auto part = [&](int64_t from, int64_t to) {
        int64_t start = 0;
        for (size_t i = 0; i < sizes.size() && start < to; ++i) {
            const int64_t begin = std::max<int64_t>(from - start, 0);
            const int64_t end = std::min<int64_t>(to - start, sizes[i]);
            if (begin < end) work(i, begin, end);
            start += sizes[i];
        }
    };
    if (count < 2) {
        part(0, total);
        return;
    }
    // A multiple of 16 elements, so that no two threads write to one cache line.
    const int64_t length = (total / count + 15) / 16 * 16;
    std::vector<std::thread> others;
    for (int64_t i = 1; i < count; ++i) {
        const int64_t from = i * length;
        const int64_t to = i + 1 == count ? total : from + length;
        others.emplace_back([&part, from, to] { part(from, to); });
    }
    part(0, length);
    for (std::thread &each : others) each.join();
}

// Calls work(begin, end) so that every one of `count` rows of `length` elements is covered once, by
// as many threads as are worth it.
template <class Work>
void for_parts(int64_t count, int64_t length, int threads, const Work &work) {
    const int64_t most = std::min<int64_t>(std::min<int64_t>(threads, count), count * length / GRAIN);
    if (most < 2) {
        work(0, count);
        return;
    }
    std::vector<std::thread> others;
    for (int64_t i = 1; i < most; ++i)
        others.emplace_back([&work, i, most, count] {
            work(count * i / most, count * (i + 1) / most);
        });
    work(0, count / most);
    for (std::thread &each : others) each.join();
}

}  // namespace lamella
