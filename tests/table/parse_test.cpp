#include <doctest/doctest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <optional>
#include <string>

#include <segkit/table/parse.hpp>

namespace sk = segkit;
using sk::parse_value;
using sk::to_text;

namespace {

// A small generator of its own: the tests need bits, not a distribution.
struct bit_source {
    std::uint64_t state;
    std::uint64_t next() {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        return state;
    }
};

bool same_bits(double a, double b) { return std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b); }

// What the C library, which rounds correctly, makes of a number that is known to be well formed.
void check_like_strtod(const std::string& text) {
    const auto ours = parse_value<double>(text);
    const double theirs = std::strtod(text.c_str(), nullptr);
    INFO(text);
    REQUIRE(ours.has_value());
    CHECK(same_bits(*ours, theirs));
    const auto single = parse_value<float>(text);
    const float single_theirs = std::strtof(text.c_str(), nullptr);
    REQUIRE(single.has_value() == std::isfinite(single_theirs));
    if (single) CHECK(std::bit_cast<std::uint32_t>(*single) == std::bit_cast<std::uint32_t>(single_theirs));
}

}  // namespace

TEST_CASE("integers are read in their whole range and refused one beyond it") {
    CHECK(parse_value<std::int32_t>("2147483647") == 2147483647);
    CHECK(parse_value<std::int32_t>("-2147483648") == std::numeric_limits<std::int32_t>::min());
    CHECK_FALSE(parse_value<std::int32_t>("2147483648"));
    CHECK_FALSE(parse_value<std::int32_t>("-2147483649"));
    CHECK(parse_value<std::int64_t>("9223372036854775807") == std::numeric_limits<std::int64_t>::max());
    CHECK(parse_value<std::int64_t>("-9223372036854775808") == std::numeric_limits<std::int64_t>::min());
    CHECK_FALSE(parse_value<std::int64_t>("9223372036854775808"));
    CHECK_FALSE(parse_value<std::int64_t>("-9223372036854775809"));
    CHECK_FALSE(parse_value<std::int64_t>("99999999999999999999"));
    CHECK(parse_value<std::int32_t>("+007") == 7);
    CHECK(parse_value<std::int64_t>("0000000000000000000000000000042") == 42);
    CHECK(parse_value<std::int32_t>("-0") == 0);
}

TEST_CASE("what is not quite an integer is none") {
    for (const char* text : {"", "-", "+", " 1", "1 ", "1.0", "1e3", "0x1", "--1", "1-", "one", "1\n", "1,000"}) {
        INFO(text);
        CHECK_FALSE(parse_value<std::int32_t>(text));
        CHECK_FALSE(parse_value<std::int64_t>(text));
    }
}

TEST_CASE("truth values have eight spellings") {
    for (const char* text : {"true", "TRUE", "True", "1"}) CHECK(parse_value<bool>(text) == true);
    for (const char* text : {"false", "FALSE", "False", "0"}) CHECK(parse_value<bool>(text) == false);
    for (const char* text : {"", "t", "f", "yes", "tRUE", "10", "truee", "2"}) {
        INFO(text);
        CHECK_FALSE(parse_value<bool>(text));
    }
}

TEST_CASE("numbers round as the C library rounds them") {
    for (const char* text : {"0", "-0", "0.0", "1", "106.0", "0.1", "0.3", ".5", "5.", "+2.5", "1e22", "1e23", "-1E-22", "1e+5", "123456789012345678",
                             "9007199254740993", "9007199254740992.5", "0.17500000000000000000", "51.8333333333333333", "2.2250738585072011e-308",
                             "4.9406564584124654e-324", "1.7976931348623157e308", "0.000000000000000000000000000000000000001",
                             "100000000000000000000000000000000000000", "7.038531e-26", "16777217", "16777217.0000001", "1e-400", "0e999999999"})
        check_like_strtod(text);
    CHECK(std::signbit(*parse_value<double>("-0.0")));
}

TEST_CASE("an exponent counts for what it is, however many zeros stand beside it") {
    const std::string zeros(150'000, '0');
    CHECK(sk::parse_value<double>("0." + zeros + "1e150001") == 1.0);
    CHECK(sk::parse_value<double>("0." + zeros + "1e100001") == 0.0);
    CHECK(sk::parse_value<double>("1" + zeros + "e-150000") == 1.0);
    CHECK(!sk::parse_value<double>("1" + zeros + "e-100000"));
}

TEST_CASE("random decimals round as the C library rounds them") {
    bit_source bits{0x9E3779B97F4A7C15};
    char text[64];
    for (int i = 0; i < 60'000; ++i) {
        const std::uint64_t r = bits.next();
        switch (i % 4) {
            case 0: std::snprintf(text, sizeof text, "%.*f", static_cast<int>(r % 7), static_cast<double>(static_cast<std::int64_t>(bits.next()) >> 30) / 977.0); break;
            case 1: std::snprintf(text, sizeof text, "%.*e", static_cast<int>(r % 20), static_cast<double>(bits.next()) * 1e-9); break;
            case 2: std::snprintf(text, sizeof text, "%llue%d", static_cast<unsigned long long>(bits.next() >> (r % 60)), static_cast<int>(r % 60) - 30); break;
            default: {
                const double any = std::bit_cast<double>(bits.next());
                if (!std::isfinite(any)) continue;
                std::snprintf(text, sizeof text, "%.17g", any);
            }
        }
        check_like_strtod(text);
    }
}

TEST_CASE("only finite decimal numbers are numbers") {
    for (const char* text : {"", ".", "-", "e5", "1e", "1e+", "1.2.3", "nan", "NaN", "inf", "-Infinity", "0x10", "1_000", "1,5", " 1", "1 ", "1e400", "-1e309", "1f"}) {
        INFO(text);
        CHECK_FALSE(parse_value<double>(text));
        CHECK_FALSE(parse_value<float>(text));
    }
    CHECK(parse_value<double>("3.5e38"));
    CHECK_FALSE(parse_value<float>("3.5e38"));
}

TEST_CASE("a date is a day that exists") {
    CHECK(parse_value<sk::date>("2023-01-04") == sk::date(2023, 1, 4));
    CHECK(parse_value<sk::date>("2024-02-29") == sk::date(2024, 2, 29));
    CHECK(parse_value<sk::date>("0001-01-01") == sk::date(1, 1, 1));
    for (const char* text : {"", "2023-02-29", "2023-13-01", "2023-00-10", "2023-01-00", "2023-1-4", "23-01-04", "2023/01/04", "2023-01-04 ", "2023-01-045",
                             "20230104", "2023-01-0x", "10000-01-01", "1900-02-29"}) {
        INFO(text);
        CHECK_FALSE(parse_value<sk::date>(text));
    }
}

TEST_CASE("a timestamp is UTC to the microsecond") {
    const sk::timestamp morning(sk::date(2023, 3, 31), 7, 0, 0);
    CHECK(parse_value<sk::timestamp>("2023-03-31 07:00:00") == morning);
    CHECK(parse_value<sk::timestamp>("2023-03-31T07:00:00") == morning);
    CHECK(parse_value<sk::timestamp>("2023-03-31T07:00:00Z") == morning);
    CHECK(parse_value<sk::timestamp>("2023-03-31 09:30:00+02:30") == morning);
    CHECK(parse_value<sk::timestamp>("2023-03-31 09:30:00+0230") == morning);
    CHECK(parse_value<sk::timestamp>("2023-03-31 00:00:00-07") == morning);
    CHECK(parse_value<sk::timestamp>("2023-03-31") == sk::timestamp(sk::date(2023, 3, 31)));
    CHECK(parse_value<sk::timestamp>("2023-03-31 13:32:21.03") == sk::timestamp(sk::date(2023, 3, 31), 13, 32, 21, 30'000));
    CHECK(parse_value<sk::timestamp>("2023-03-31 13:32:21.123456") == sk::timestamp(sk::date(2023, 3, 31), 13, 32, 21, 123'456));
    CHECK(parse_value<sk::timestamp>("2023-03-31 13:32:21.123456000") == sk::timestamp(sk::date(2023, 3, 31), 13, 32, 21, 123'456));
    CHECK(parse_value<sk::timestamp>("1969-12-31 23:59:59.999999")->microseconds_since_1970() == -1);
    for (const char* text : {"2023-03-31 24:00:00", "2023-03-31 07:60:00", "2023-03-31 07:00:60", "2023-03-31 07:00", "2023-03-31 7:00:00", "2023-03-31 07:00:00.",
                             "2023-03-31 07:00:00.1234567", "2023-02-30 07:00:00", "2023-03-31_07:00:00", "2023-03-31 07:00:00z", "2023-03-31 07:00:00+2",
                             "2023-03-31 07:00:00+24:00", "2023-03-31 07:00:00+02:60", "2023-03-31 07:00:00 ", "2023-03-31 ", "2023-03-31 07:00:00+02:00x"}) {
        INFO(text);
        CHECK_FALSE(parse_value<sk::timestamp>(text));
    }
}

TEST_CASE("a duration is seconds") {
    CHECK(parse_value<sk::duration>("90")->microseconds == 90'000'000);
    CHECK(parse_value<sk::duration>("-0.5")->microseconds == -500'000);
    CHECK(parse_value<sk::duration>("9223372036854.775807")->microseconds == std::numeric_limits<std::int64_t>::max());
    CHECK(parse_value<sk::duration>("-9223372036854.775808")->microseconds == std::numeric_limits<std::int64_t>::min());
    for (const char* text : {"", "-", ".5", "1.", "1.1234567", "9223372036854.775808", "--1", "1s", "-+1"}) {
        INFO(text);
        CHECK_FALSE(parse_value<sk::duration>(text));
    }
}

TEST_CASE("values are written in their usual form") {
    CHECK(to_text(true) == "true");
    CHECK(to_text(std::int32_t{-7}) == "-7");
    CHECK(to_text(0.1) == "0.1");
    CHECK(to_text(0.1f) == "0.1");
    CHECK(to_text(sk::date(2023, 1, 4)) == "2023-01-04");
    CHECK(to_text(sk::timestamp(sk::date(2023, 3, 31), 13, 32, 21, 30'000)) == "2023-03-31 13:32:21.03");
    CHECK(to_text(sk::timestamp(sk::date(2023, 3, 31))) == "2023-03-31 00:00:00");
    CHECK(to_text(sk::timestamp::from_microseconds(-1)) == "1969-12-31 23:59:59.999999");
    CHECK(to_text(sk::duration{-1'500'000}) == "-1.5");
}

TEST_CASE("what is written is read back, bit for bit") {
    bit_source bits{42};
    for (int i = 0; i < 20'000; ++i) {
        const std::uint64_t r = bits.next();
        const auto any64 = static_cast<std::int64_t>(r);
        const auto any32 = static_cast<std::int32_t>(r >> 7);
        CHECK(parse_value<std::int64_t>(to_text(any64)) == any64);
        CHECK(parse_value<std::int32_t>(to_text(any32)) == any32);
        const auto number = std::bit_cast<double>(r);
        if (std::isfinite(number)) CHECK(same_bits(*parse_value<double>(to_text(number)), number));
        const auto single = std::bit_cast<float>(static_cast<std::uint32_t>(r));
        if (std::isfinite(single)) CHECK(*parse_value<float>(to_text(single)) == single);
        const sk::duration span{any64};
        CHECK(parse_value<sk::duration>(to_text(span)) == span);
        const sk::timestamp moment = sk::timestamp::from_microseconds(any64 / 2);    // years -144,000 to 148,000
        CHECK(parse_value<sk::timestamp>(to_text(moment)) == moment);
        const sk::date day = sk::date::from_days(any32 / 2);
        CHECK(parse_value<sk::date>(to_text(day)) == day);
    }
}

TEST_CASE("dates and timestamps in named formats") {
    const auto time = [](const char* text, const char* format) { return sk::parse_value<sk::timestamp>(text, sk::time_format(format)); };
    const sk::date day(2023, 1, 4);
    CHECK(time("04/01/2023 07:30", "%d/%m/%Y %H:%M") == sk::timestamp(day, 7, 30, 0));
    CHECK(time("4.1.23", "%d.%m.%y") == sk::timestamp(day));
    CHECK(time("Jan 4, 2023 7:05:09 pm", "%b %d, %Y %I:%M:%S %p") == sk::timestamp(day, 19, 5, 9));
    CHECK(time("January 4, 2023 12:00 AM", "%B %d, %Y %I:%M %p") == sk::timestamp(day));
    CHECK(time("2023-01-04|07:30:00.25+02:00", "%F|%T.%f%z") == sk::timestamp(day, 5, 30, 0, 250'000));
    CHECK(time("100% 2023 01 04", "100%% %Y %m %d") == sk::timestamp(day));
    CHECK(time("040123", "%d%m%y") == sk::timestamp(day));
    CHECK(sk::parse_value<sk::date>("4 May 1969", sk::time_format("%d %b %Y")) == sk::date(1969, 5, 4));
    CHECK(sk::parse_value<sk::date>("01.01.69", sk::time_format("%d.%m.%y")) == sk::date(1969, 1, 1));
    CHECK(sk::parse_value<sk::date>("01.01.68", sk::time_format("%d.%m.%y")) == sk::date(2068, 1, 1));

    for (const char* wrong : {"", "4/1/2023", "04/01/2023 07:30 ", "04/01/2023 24:00", "31/02/2023 07:30", "04/13/2023 07:30", "x04/01/2023 07:30", "04/01/23 07:30", "04/01/2023 07:60"})
        CHECK(time(wrong, "%d/%m/%Y %H:%M") == std::nullopt);
    for (const char* wrong : {"%d/%m", "%Y-%m", "%Q %F", "%F %", "no directive"}) CHECK_THROWS_AS(sk::time_format(std::string(wrong)), sk::error);
}
