// What this machine can do at most, on so many threads: limits THREADS FILE. Prints the rate at which memory is read, and the rate
// at which a cached file is read and searched for line ends: no query over those bytes can be faster.
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace {

template <class Work>
double seconds_on(unsigned threads, Work work) {
    double best = 1e9;
    for (int repeat = 0; repeat < 5; ++repeat) {
        const auto begin = std::chrono::steady_clock::now();
        std::vector<std::thread> pool;
        for (unsigned i = 0; i < threads; ++i) pool.emplace_back(work, i);
        for (auto& t : pool) t.join();
        const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
        if (took.count() < best) best = took.count();
    }
    return best;
}

#if defined(__x86_64__)
__attribute__((target("avx2")))
#endif
std::uint64_t sum_of(const std::uint64_t* values, std::size_t count) {
    typedef std::uint64_t lanes __attribute__((vector_size(32), aligned(8), may_alias));
    lanes a{}, b{}, c{}, d{};
    for (std::size_t i = 0; i + 16 <= count; i += 16) {
        a += *reinterpret_cast<const lanes*>(values + i);
        b += *reinterpret_cast<const lanes*>(values + i + 4);
        c += *reinterpret_cast<const lanes*>(values + i + 8);
        d += *reinterpret_cast<const lanes*>(values + i + 12);
    }
    a += b;
    c += d;
    a += c;
    return a[0] + a[1] + a[2] + a[3];
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 3) return 2;
    const auto threads = static_cast<unsigned>(std::atoi(argv[1]));
    const std::size_t count = std::size_t{1} << 28;    // 2 GiB, more than any cache
    std::vector<std::uint64_t> values(count, 3);
    std::atomic<std::uint64_t> kept{0};
    const double read = seconds_on(threads, [&](unsigned i) {
        const std::size_t part = count / threads;
        kept += sum_of(values.data() + i * part, part);
    });

    const int file = open(argv[2], O_RDONLY);
    struct stat about{};
    if (file < 0 || fstat(file, &about) != 0 || about.st_size == 0) return 1;
    const std::size_t block = 256 << 10;
    const auto bytes = static_cast<std::size_t>(about.st_size);
    const double scan = seconds_on(threads, [&](unsigned i) {
        std::vector<char> buffer(block);
        std::uint64_t lines = 0;
        for (std::size_t at = i * block; at < bytes; at += threads * block) {
            const auto got = pread(file, buffer.data(), block, static_cast<off_t>(at));
            if (got <= 0) break;
            const char* p = buffer.data();
            const char* const end = p + got;
            while ((p = static_cast<const char*>(std::memchr(p, '\n', static_cast<std::size_t>(end - p))))) {
                ++lines;
                if (++p == end) break;
            }
        }
        kept += lines;
    });
    close(file);
    std::printf("{\"read_gb_s\":%.3f,\"scan_gb_s\":%.3f,\"kept\":%llu}\n", static_cast<double>(count * 8) / read / 1e9, static_cast<double>(bytes) / scan / 1e9,
                static_cast<unsigned long long>(kept.load() & 1));
    return 0;
}
