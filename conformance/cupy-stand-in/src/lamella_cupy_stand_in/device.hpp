// What a CUDA kernel finds around it, for one thread of the CPU: the threads of a block are
// coroutines that take turns, and give the turn away where they wait for one another.
#include <cmath>
#include <cstring>
#include <immintrin.h>
#include <ucontext.h>
#include <utility>
#include <vector>

using namespace std;

struct uint3 { unsigned int x, y, z; };
static uint3 threadIdx, blockIdx, blockDim, gridDim;

#define __global__
#define __device__
#define __forceinline__ inline
#define __restrict__
#define __launch_bounds__(...)
#define __shared__ static

namespace turns {

struct Barrier { unsigned int arrived = 0, round = 0; };
struct Thread {
    ucontext_t context;
    vector<char> stack = vector<char>(64 << 10);
    bool done = false;
};
static ucontext_t scheduler;
static vector<Thread> threads;
static unsigned int current, alive;
static Barrier whole, warps[32];
static char exchanged[1024][8];
static void (*body)();

static void next() { swapcontext(&threads[current].context, &scheduler); }

static void wait(Barrier &barrier, unsigned int count) {
    unsigned int round = barrier.round;
    if (++barrier.arrived == count) {
        barrier.arrived = 0;
        barrier.round++;
    } else {
        while (barrier.round == round) next();
    }
}
static void run_thread() {
    body();
    threads[current].done = true;
    next();
}
static void run_block() {
    unsigned int count = blockDim.x;
    if (threads.size() < count) threads = vector<Thread>(count);
    for (unsigned int t = 0; t < count; t++) {
        Thread &each = threads[t];
        each.done = false;
        getcontext(&each.context);
        each.context.uc_stack.ss_sp = each.stack.data();
        each.context.uc_stack.ss_size = each.stack.size();
        makecontext(&each.context, run_thread, 0);
    }
    for (alive = count; alive;) {
        for (unsigned int t = 0; t < count; t++) {
            if (threads[t].done) continue;
            current = t;
            threadIdx = {t, 0, 0};
            swapcontext(&scheduler, &threads[t].context);
            alive -= threads[t].done;
        }
    }
}

}  // namespace turns

// A thread that has returned must not be waited for: CUDA leaves that undefined, here it hangs.
static void __syncthreads() { turns::wait(turns::whole, blockDim.x); }
static void __syncwarp(unsigned int = 0) { turns::wait(turns::warps[threadIdx.x / 32], 32); }

template <class V> static V __shfl_xor_sync(unsigned int, V value, int distance) {
    unsigned int own = turns::current;
    memcpy(turns::exchanged[own], &value, sizeof value);
    __syncwarp();
    memcpy(&value, turns::exchanged[own ^ distance], sizeof value);
    __syncwarp();
    return value;
}
template <class V> static V atomicAdd(V *place, V value) { V old = *place; *place += value; return old; }
template <class V> static V atomicMax(V *place, V value) {
    V old = *place;
    if (value > old) *place = value;
    return old;
}

#define __sincosf fast_sincosf
static void fast_sincosf(float x, float *s, float *c) { *s = sinf(x); *c = cosf(x); }
static void sincospi(double x, double *s, double *c) { *s = sin(M_PI * x); *c = cos(M_PI * x); }
#define __tanf tanf
static float __int_as_float(int bits) { float x; memcpy(&x, &bits, 4); return x; }

struct __half { unsigned short bits; };
struct __nv_bfloat16 { unsigned short bits; };
static float __half2float(__half x) { return _cvtsh_ss(x.bits); }
static __half __float2half_rn(float x) { return {_cvtss_sh(x, 0)}; }
static float __bfloat162float(__nv_bfloat16 x) {
    unsigned int bits = (unsigned int)x.bits << 16;
    float value;
    memcpy(&value, &bits, 4);
    return value;
}
static __nv_bfloat16 __float2bfloat16_rn(float x) {
    unsigned int bits;
    memcpy(&bits, &x, 4);
    if (x != x) return {0x7fff};
    return {(unsigned short)((bits + 0x7fff + (bits >> 16 & 1)) >> 16)};
}

// Calls a kernel once for each thread of each block. Returns the number of the first argument
// whose size is not the parameter's, or -1.
template <class... P, size_t... I>
static int launch(void (*kernel)(P...), void **arguments, const int *sizes, const unsigned int *grid,
                  const unsigned int *block, index_sequence<I...>) {
    const int wanted[] = {(int)sizeof(P)..., 0};
    for (size_t i = 0; i < sizeof...(P); i++)
        if (sizes[i] != wanted[i]) return (int)i;
    static void (*chosen)(P...);
    static void **given;
    chosen = kernel;
    given = arguments;
    turns::body = [] { chosen(*(P *)given[I]...); };
    gridDim = {grid[0], grid[1], grid[2]};
    blockDim = {block[0], 1, 1};
    for (unsigned int z = 0; z < grid[2]; z++)
        for (unsigned int y = 0; y < grid[1]; y++)
            for (unsigned int x = 0; x < grid[0]; x++) {
                blockIdx = {x, y, z};
                turns::run_block();
            }
    return -1;
}
template <class... P>
static int launch(void (*kernel)(P...), int count, void **arguments, const int *sizes,
                  const unsigned int *grid, const unsigned int *block) {
    if (count != (int)sizeof...(P)) return count;
    return launch(kernel, arguments, sizes, grid, block, index_sequence_for<P...>());
}
