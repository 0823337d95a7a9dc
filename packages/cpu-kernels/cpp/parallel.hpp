// A loop over the elements of many arrays, spread over threads that end with the call.
#pragma once

#include <algorithm>
#include <cstdint>
#include <thread>
#include <vector>

namespace lamella {

// Elements for each thread: below this, starting it costs more than it saves.
constexpr int64_t GRAIN = 1 << 18;

// Calls part(0) to part(count - 1), the first here and each other one in a thread. No thread outlives
// the call, so that a process may fork afterwards.
template <class Part>
void in_threads(int64_t count, const Part &part) {
    std::vector<std::thread> others;
    for (int64_t i = 1; i < count; ++i) others.emplace_back([&part, i] { part(i); });
    part(0);
    for (std::thread &each : others) each.join();
}

// Calls work(i, begin, end) so that every element of every array is covered once.
template <class Work>
void for_elements(const std::vector<int64_t> &sizes, int threads, const Work &work) {
    int64_t total = 0;
    for (int64_t size : sizes) total += size;
    const int64_t count = std::max<int64_t>(std::min<int64_t>(threads, total / GRAIN), 1);
    // A multiple of 16 elements, so that no two threads write to one cache line.
    const int64_t length = (total / count + 15) / 16 * 16;
    in_threads(count, [&](int64_t which) {
        const int64_t from = which * length, to = which + 1 == count ? total : from + length;
        int64_t start = 0;
        for (size_t i = 0; i < sizes.size() && start < to; ++i) {
            const int64_t begin = std::max<int64_t>(from - start, 0);
            const int64_t end = std::min<int64_t>(to - start, sizes[i]);
            if (begin < end) work(i, begin, end);
            start += sizes[i];
        }
    });
}

// Calls work(begin, end) so that every one of `count` rows of `length` elements is covered once, by
// as many threads as are worth it.
template <class Work>
void for_parts(int64_t count, int64_t length, int threads, const Work &work) {
    const int64_t worth = std::min<int64_t>(count, count * length / GRAIN);
    const int64_t most = std::max<int64_t>(std::min<int64_t>(threads, worth), 1);
    in_threads(most, [&](int64_t i) { work(count * i / most, count * (i + 1) / most); });
}

}  // namespace lamella
