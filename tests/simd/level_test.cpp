#include <doctest/doctest.h>

#include <cstdlib>
#include <string>

#include <segkit/simd/level.hpp>

namespace sk = segkit;

namespace {

// SEGKIT_SIMD as the program would have been started with it; restored at the end.
struct environment {
    explicit environment(const char* level) {
        if (const char* now = std::getenv("SEGKIT_SIMD")) before = now;
        set(level);
    }
    ~environment() { set(before.empty() ? nullptr : before.c_str()); }
    static void set(const char* level) {
        if (level) setenv("SEGKIT_SIMD", level, 1);
        else unsetenv("SEGKIT_SIMD");
        sk::unpin_simd_level();
    }
    std::string before;
};

std::string message_of_level() {
    try {
        (void)sk::simd_level();
    } catch (const sk::error& failure) {
        return failure.what();
    }
    return "no error";
}

}  // namespace

TEST_CASE("the best level of the CPU is used unless another is asked for") {
    const environment nothing(nullptr);
    CHECK(sk::simd_level() == sk::cpu_simd_level());
    sk::pin_simd_level(sk::instruction_set::base);
    CHECK(sk::simd_level() == sk::instruction_set::base);
    sk::unpin_simd_level();
    CHECK(sk::simd_level() == sk::cpu_simd_level());
}

TEST_CASE("on an emulated processor the level is that of the processor") {
    const char* const expected = std::getenv("SEGKIT_TEST_LEVEL");    // set by emulated.py
    if (expected) CHECK(to_string(sk::cpu_simd_level()) == expected);
}

TEST_CASE("the environment names a level, and a pinned one goes before it") {
    const environment base("base");
    CHECK(sk::simd_level() == sk::instruction_set::base);
    sk::pin_simd_level(sk::cpu_simd_level());
    CHECK(sk::simd_level() == sk::cpu_simd_level());
    environment::set("");
    CHECK(sk::simd_level() == sk::cpu_simd_level());
}

TEST_CASE("an unknown level is an error that names those there are") {
    const environment unknown("sse9");
    const std::string m = message_of_level();
    CHECK(m.starts_with("simd_level: invalid option: found SEGKIT_SIMD=sse9, expected base"));
    CHECK(m.ends_with("; set the environment variable to one of these, or remove it"));
    environment::set("base");
    CHECK(message_of_level() == "no error");
}

TEST_CASE("a level that the CPU lacks is refused") {
    if (sk::cpu_simd_level() == sk::instruction_set::avx512) {
        sk::pin_simd_level(sk::instruction_set::avx512);
        CHECK(sk::simd_level() == sk::instruction_set::avx512);
        sk::unpin_simd_level();
        return;
    }
    const environment best("avx512");
    CHECK(message_of_level().starts_with("simd_level: invalid option: found avx512, which this CPU does not have, expected base"));
    CHECK_THROWS_AS(sk::pin_simd_level(sk::instruction_set::avx512), sk::error);
}
