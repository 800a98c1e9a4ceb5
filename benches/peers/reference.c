// The workloads of ../throughput as a C programmer writes them: plain loops, vectors left to the compiler.
//
// Every kernel takes pointers to its arrays, results last, and the extents of the arrays.

#include <math.h>
#include <omp.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

typedef void kernel_fn(void **array, const long *size);

/* The time of so many calls, in seconds. */
double repeat(kernel_fn *kernel, void **array, const long *size, long count) {
    struct timespec start, end;
    clock_gettime(CLOCK_MONOTONIC, &start);
    for (long i = 0; i < count; i++)
        kernel(array, size);
    clock_gettime(CLOCK_MONOTONIC, &end);
    return (double)(end.tv_sec - start.tv_sec) + 1e-9 * (double)(end.tv_nsec - start.tv_nsec);
}

/* Short loops are not worth a second thread. */
#define SHARED _Pragma("omp parallel for simd schedule(static) if (parallel : n > 1 << 16)")
#define SUM(s) _Pragma("omp parallel for simd schedule(static) reduction(+ : s) if (parallel : n > 1 << 16)")
#define IN(T, name, at) const T *restrict name = array[at]
#define OUT(T, name, at) T *restrict name = array[at]

void saxpy(void **array, const long *size) {
    IN(float, x, 0);
    IN(float, y, 1);
    OUT(float, out, 2);
    const long n = size[0];
    SHARED
    for (long i = 0; i < n; i++)
        out[i] = 2.5f * x[i] + y[i];
}

void total(void **array, const long *size) {
    IN(float, x, 0);
    OUT(float, out, 1);
    const long n = size[0];
    float s = 0;
    SUM(s)
    for (long i = 0; i < n; i++)
        s += x[i];
    *out = s;
}

#define DOT(NAME, T)                                                                                                   \
    void NAME(void **array, const long *size) {                                                                        \
        IN(T, x, 0);                                                                                                   \
        IN(T, y, 1);                                                                                                   \
        OUT(T, out, 2);                                                                                                \
        const long n = size[0];                                                                                        \
        T s = 0;                                                                                                       \
        SUM(s)                                                                                                         \
        for (long i = 0; i < n; i++)                                                                                   \
            s += x[i] * y[i];                                                                                          \
        *out = s;                                                                                                      \
    }
DOT(dot, float)
DOT(dot64, double)

void norm(void **array, const long *size) {
    IN(float, x, 0);
    IN(float, y, 1);
    OUT(float, out, 2);
    const long n = size[0];
    float s = 0;
    SUM(s)
    for (long i = 0; i < n; i++)
        s += sqrtf(x[i] * x[i] + y[i] * y[i]);
    *out = s;
}

void peak(void **array, const long *size) {
    IN(float, x, 0);
    OUT(int64_t, out, 1);
    const long n = size[0];
    long best = 0;
#pragma omp parallel
    {
        const long threads = omp_get_num_threads(), me = omp_get_thread_num();
        const long end = n * (me + 1) / threads;
        long mine = n * me / threads;
        float greatest = x[mine];
        for (long i = mine + 1; i < end; i++)
            if (x[i] > greatest) {
                greatest = x[i];
                mine = i;
            }
#pragma omp critical
        if (x[mine] > x[best] || (x[mine] == x[best] && mine < best))
            best = mine;
    }
    *out = best;
}

void scramble(void **array, const long *size) {
    IN(uint32_t, x, 0);
    OUT(uint32_t, out, 1);
    const long n = size[0];
    SHARED
    for (long i = 0; i < n; i++) {
        uint32_t v = x[i];
#pragma GCC unroll 8
        for (int round = 0; round < 8; round++) {
            v ^= v << 13;
            v ^= v >> 17;
            v ^= v << 5;
        }
        out[i] = v;
    }
}

/* European options, with two approximations of the normal distribution. */
#define POLYNOMIAL(NAME, T, EXP, ABS)                                                                                  \
    static inline T NAME(T d) {                                                                                        \
        const T k = 1 / (1 + (T)0.2316419 * ABS(d));                                                                   \
        const T tail = (T)0.31938153 +                                                                                 \
                       k * ((T)-0.356563782 + k * ((T)1.781477937 + k * ((T)-1.821255978 + k * (T)1.330274429)));      \
        const T upper = (T)0.3989422804014327 * EXP((T)-0.5 * d * d) * (k * tail);                                     \
        return d > 0 ? 1 - upper : upper;                                                                              \
    }
POLYNOMIAL(normal32, float, expf, fabsf)
POLYNOMIAL(normal64, double, exp, fabs)

static inline float erf_normal32(float d) { return 0.5f * (1 + erff(d * 0.70710678f)); }
static inline double erf_normal64(double d) { return 0.5 * (1 + erf(d * 0.7071067811865476)); }

#define PRICES(NAME, T, NORMAL, EXP, LOG, SQRT)                                                                        \
    void NAME(void **array, const long *size) {                                                                        \
        IN(T, spot, 0);                                                                                                \
        IN(T, strike, 1);                                                                                              \
        IN(T, years, 2);                                                                                               \
        OUT(T, call, 3);                                                                                               \
        OUT(T, put, 4);                                                                                                \
        const long n = size[0];                                                                                        \
        SHARED                                                                                                         \
        for (long i = 0; i < n; i++) {                                                                                 \
            const T deviation = (T)0.3 * SQRT(years[i]);                                                               \
            const T d = (LOG(spot[i] / strike[i]) + (T)0.065 * years[i]) / deviation;                                  \
            const T p = NORMAL(d), q = NORMAL(d - deviation);                                                          \
            const T paid = strike[i] * EXP((T)-0.02 * years[i]);                                                       \
            call[i] = spot[i] * p - paid * q;                                                                          \
            put[i] = paid * (1 - q) - spot[i] * (1 - p);                                                               \
        }                                                                                                              \
    }
PRICES(prices32, float, normal32, expf, logf, sqrtf)
PRICES(prices64, double, normal64, exp, log, sqrt)
PRICES(erf_prices32, float, erf_normal32, expf, logf, sqrtf)
PRICES(erf_prices64, double, erf_normal64, exp, log, sqrt)

void horner(void **array, const long *size) {
    static const float c[17] = {0.0588f, -0.0625f, 0.0666f, -0.0714f, 0.0769f, -0.083f, 0.09f,  -0.1f, 0.111f,
                                -0.125f, 0.142f,   -0.166f, 0.2f,     -0.25f,  0.33f,   -0.5f,  1.0f};
    IN(float, x, 0);
    OUT(float, out, 1);
    const long n = size[0];
    SHARED
    for (long i = 0; i < n; i++) {
        float p = c[0];
#pragma GCC unroll 16
        for (int k = 1; k < 17; k++)
            p = p * x[i] + c[k];
        out[i] = p;
    }
}

#define MAP(NAME, T, FUNCTION)                                                                                         \
    void NAME(void **array, const long *size) {                                                                        \
        IN(T, x, 0);                                                                                                   \
        OUT(T, out, 1);                                                                                                \
        const long n = size[0];                                                                                        \
        SHARED                                                                                                         \
        for (long i = 0; i < n; i++)                                                                                   \
            out[i] = FUNCTION(x[i]);                                                                                   \
    }
MAP(exp32, float, expf)
MAP(exp64, double, exp)
MAP(log32, float, logf)
MAP(log64, double, log)
MAP(sin32, float, sinf)
MAP(sin64, double, sin)
MAP(tanh32, float, tanhf)

void pow32(void **array, const long *size) {
    IN(float, x, 0);
    IN(float, y, 1);
    OUT(float, out, 2);
    const long n = size[0];
    SHARED
    for (long i = 0; i < n; i++)
        out[i] = powf(x[i], y[i]);
}

void mandelbrot(void **array, const long *size) {
    OUT(int32_t, out, 0);
    const long n = size[0], limit = size[1];
    const float scale = 2.5f / (float)n;
#pragma omp parallel for schedule(dynamic, 8)
    for (long y = 0; y < n; y++)
        for (long x = 0; x < n; x++) {
            const float cr = (float)x * scale - 2, ci = (float)y * scale - 1.25f;
            float zr = 0, zi = 0;
            int32_t k = 0;
            while (k < limit && zr * zr + zi * zi <= 4) {
                const float moved = zr * zr - zi * zi + cr;
                zi = 2 * zr * zi + ci;
                zr = moved;
                k++;
            }
            out[y * n + x] = k;
        }
}

void row_sums(void **array, const long *size) {
    IN(float, a, 0);
    OUT(float, out, 1);
    const long n = size[0], m = size[1];
#pragma omp parallel for schedule(static)
    for (long i = 0; i < n; i++) {
        float s = 0;
#pragma omp simd reduction(+ : s)
        for (long j = 0; j < m; j++)
            s += a[i * m + j];
        out[i] = s;
    }
}

void column_sums(void **array, const long *size) {
    IN(float, a, 0);
    OUT(float, out, 1);
    const long n = size[0], m = size[1];
    memset(out, 0, (size_t)m * sizeof *out);
#pragma omp parallel for schedule(static) reduction(+ : out[ : m])
    for (long i = 0; i < n; i++)
        for (long j = 0; j < m; j++)
            out[j] += a[i * m + j];
}

void softmax(void **array, const long *size) {
    IN(float, a, 0);
    OUT(float, out, 1);
    const long n = size[0], m = size[1];
#pragma omp parallel for schedule(static)
    for (long i = 0; i < n; i++) {
        const float *row = a + i * m;
        float *e = out + i * m, greatest = row[0], s = 0;
#pragma omp simd reduction(max : greatest)
        for (long j = 0; j < m; j++)
            greatest = row[j] > greatest ? row[j] : greatest;
#pragma omp simd reduction(+ : s)
        for (long j = 0; j < m; j++) {
            e[j] = expf(row[j] - greatest);
            s += e[j];
        }
#pragma omp simd
        for (long j = 0; j < m; j++)
            e[j] /= s;
    }
}

/* With several threads, a first pass finds what comes before each thread's part. */
#define SCAN(NAME, T)                                                                                                  \
    void NAME(void **array, const long *size) {                                                                        \
        enum { MOST = 256 };                                                                                           \
        IN(T, x, 0);                                                                                                   \
        OUT(T, out, 1);                                                                                                \
        const long n = size[0];                                                                                        \
        T before[MOST] = {0};                                                                                          \
        _Pragma("omp parallel num_threads(omp_get_max_threads() < MOST ? omp_get_max_threads() : MOST)") {             \
            const long threads = omp_get_num_threads(), me = omp_get_thread_num();                                     \
            const long start = n * me / threads, end = n * (me + 1) / threads;                                         \
            T s = 0;                                                                                                   \
            if (threads > 1) {                                                                                         \
                _Pragma("omp simd reduction(+ : s)") for (long i = start; i < end; i++) s += x[i];                     \
                before[me] = s;                                                                                        \
                _Pragma("omp barrier") s = 0;                                                                          \
                for (long thread = 0; thread < me; thread++)                                                           \
                    s += before[thread];                                                                               \
            }                                                                                                          \
            for (long i = start; i < end; i++) {                                                                       \
                s += x[i];                                                                                             \
                out[i] = s;                                                                                            \
            }                                                                                                          \
        }                                                                                                              \
    }
SCAN(scan32, float)
SCAN(scan_int, int32_t)

void histogram(void **array, const long *size) {
    IN(uint8_t, x, 0);
    OUT(int64_t, out, 1);
    const long n = size[0];
    memset(out, 0, 256 * sizeof *out);
#pragma omp parallel for schedule(static) reduction(+ : out[ : 256])
    for (long i = 0; i < n; i++)
        out[x[i]]++;
}

void stencil(void **array, const long *size) {
    IN(float, a, 0);
    OUT(float, out, 1);
    const long n = size[0] - 2, m = size[1] - 2, width = size[1];
#pragma omp parallel for schedule(static)
    for (long i = 0; i < n; i++) {
        const float *p = a + (i + 1) * width + 1;
        for (long j = 0; j < m; j++)
            out[i * m + j] = 0.5f * p[j] + 0.125f * (p[j - width] + p[j + width] + p[j - 1] + p[j + 1]);
    }
}

void accelerations(void **array, const long *size) {
    IN(float, x, 0);
    IN(float, y, 1);
    IN(float, z, 2);
    IN(float, mass, 3);
    OUT(float, ax, 4);
    OUT(float, ay, 5);
    OUT(float, az, 6);
    const long n = size[0];
#pragma omp parallel for schedule(static)
    for (long i = 0; i < n; i++) {
        float sx = 0, sy = 0, sz = 0;
#pragma omp simd reduction(+ : sx, sy, sz)
        for (long j = 0; j < n; j++) {
            const float dx = x[j] - x[i], dy = y[j] - y[i], dz = z[j] - z[i];
            const float square = dx * dx + dy * dy + dz * dz + 1e-3f;
            const float weight = mass[j] / (square * sqrtf(square));
            sx += weight * dx;
            sy += weight * dy;
            sz += weight * dz;
        }
        ax[i] = sx;
        ay[i] = sy;
        az[i] = sz;
    }
}

void product(void **array, const long *size) {
    IN(float, a, 0);
    IN(float, b, 1);
    OUT(float, out, 2);
    const long n = size[0], l = size[1], m = size[3];
#pragma omp parallel for schedule(static)
    for (long i = 0; i < n; i++) {
        memset(out + i * m, 0, (size_t)m * sizeof *out);
        for (long k = 0; k < l; k++)
            for (long j = 0; j < m; j++)
                out[i * m + j] += a[i * l + k] * b[k * m + j];
    }
}
