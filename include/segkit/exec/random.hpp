// segkit/exec/random.hpp: random numbers as a function of (seed, purpose, index), never of call order.
//
// Two threads, or two runs cut differently, that ask for the same index get the same number; this is what makes
// sampling and k-means++ bit-identical for any thread count. The mixing function is SplitMix64 (Steele, Lea and
// Flood, "Fast splittable pseudorandom number generators", 2014) applied to a keyed counter.
#pragma once

#include <cstdint>

#include <segkit/config.hpp>

namespace SEGKIT_NAMESPACE {

class counter_random {
public:
    // `purpose` separates the streams of one seed: 0 for seeding, 1 for sampling, ... chosen by the caller.
    constexpr counter_random(std::uint64_t seed, std::uint64_t purpose) : key_(mix(mix(seed) ^ (purpose * 0xD1342543DE82EF95ull + 1))) {}

    // 64 uniform bits for this index.
    constexpr std::uint64_t bits(std::uint64_t index) const { return mix(key_ + index * 0x9E3779B97F4A7C15ull); }

    // Uniform in [0, 1), 53 bits.
    constexpr double uniform(std::uint64_t index) const { return static_cast<double>(bits(index) >> 11) * 0x1p-53; }

    // Uniform in [0, n), n > 0; the bias is below n / 2^64.
    constexpr std::uint64_t below(std::uint64_t index, std::uint64_t n) const {
        const std::uint64_t x = bits(index);
        if (n >> 32) return x % n;
        const std::uint64_t low = (x & 0xFFFFFFFFull) * n;      // the upper half of x * n, without a 128-bit product
        return (((x >> 32) * n) + (low >> 32)) >> 32;
    }

private:
    static constexpr std::uint64_t mix(std::uint64_t z) {
        z += 0x9E3779B97F4A7C15ull;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
        return z ^ (z >> 31);
    }

    std::uint64_t key_;
};

}  // namespace SEGKIT_NAMESPACE
