#include <doctest/doctest.h>

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include <segkit/io/detail/csv_texts.hpp>
#include <segkit/io/detail/csv_values.hpp>

#include "support/csv_cases.hpp"
#include "support/simd_levels.hpp"

namespace sk = segkit;
namespace detail = segkit::detail;

namespace {

using support::dice;

std::string digits(dice& d, std::size_t count) {
    std::string s;
    for (std::size_t i = 0; i < count; ++i) s += static_cast<char>('0' + d.below(10));
    return s;
}
std::string two(std::size_t n) { return (n < 10 ? "0" : "") + std::to_string(n); }

// Well-formed values of all types and lengths, and values that were damaged in one place.
std::string random_field(dice& d) {
    std::string s;
    const std::string day = digits(d, d.chance(95) ? 4 : d.below(8)) + "-" + two(d.below(14)) + "-" + two(d.below(33));
    switch (d.below(8)) {
        case 0: s = (d.chance(30) ? "-" : "") + digits(d, 1 + d.below(22)); break;
        case 1: s = (d.chance(30) ? "-" : "") + digits(d, d.below(10)) + "." + digits(d, d.below(11)); break;
        case 2: s = digits(d, 1 + d.below(3)) + (d.chance(50) ? "e" : "E-") + digits(d, 1 + d.below(2)); break;
        case 3: s = d.chance(50) ? "true" : d.chance(80) ? "false" : d.chance(50) ? "TRUE" : "1"; break;
        case 4: s = day; break;
        case 5: s = day + (d.chance(80) ? " " : "T") + two(d.below(25)) + ":" + two(d.below(61)) + ":" + two(d.below(61)); break;
        case 6: s = day + " " + two(d.below(24)) + ":" + two(d.below(60)) + ":" + two(d.below(60)) + "." + digits(d, d.below(8)) + (d.chance(40) ? "Z" : d.chance(20) ? "+02:00" : ""); break;
        default: s = d.chance(50) ? "2022-0" + std::to_string(1 + d.below(9)) + "-1" + std::to_string(d.below(9)) : ""; break;
    }
    if (d.chance(8) && !s.empty()) s[d.below(s.size())] = "0-:. T9/e+x\"~\x80"[d.below(15)];
    if (d.chance(3) && !s.empty()) s.erase(d.below(s.size()), 1);
    if (d.chance(2)) s.insert(d.below(s.size() + 1), 1, '0');
    return s;
}

// Fields one behind the other, as a block has them.
struct column_of_fields {
    std::string text = std::string(64, '\n');
    std::vector<std::uint32_t> positions;

    column_of_fields(const std::vector<std::string>& fields, std::size_t columns) {
        positions.push_back(63);
        for (const std::string& field : fields) {
            for (std::size_t c = 0; c + 1 < columns; ++c) {
                text += "7,";
                positions.push_back(static_cast<std::uint32_t>(text.size() - 1));
            }
            text += field + ',';
            positions.push_back(static_cast<std::uint32_t>(text.size() - 1));
        }
        text += std::string(128, '5');    // what lies behind must not matter
    }
};

template <class T>
void compare(const std::vector<std::string>& fields, bool nullable, sk::instruction_set level, const detail::csv_null_rule& nulls, bool careful, char point = '.') {
    const std::size_t columns = 3;
    const column_of_fields block(fields, columns);
    detail::csv_job job;
    job.begin = block.text.data() + 1;
    job.end = block.text.data();
    job.rows = fields.size();
    std::vector<std::uint32_t> starts, ends;
    for (std::size_t at = columns - 1; starts.size() < fields.size(); at += columns) {
        starts.push_back(block.positions[at]);
        ends.push_back(block.positions[at + 1]);
    }
    job.starts = starts.data();
    job.ends = ends.data();
    std::vector<std::uint64_t> values(fields.size() + 1, 0xEEEEEEEEEEEEEEEE);
    std::vector<std::uint8_t> validity(fields.size() / 8 + 1, 0xEE);
    job.values = values.data();
    job.validity = nullable ? validity.data() : nullptr;
    job.nulls = &nulls;
    job.point = point;
    const std::size_t good = detail::csv_kernel_for<T>(nullable, careful, level)(job);

    std::size_t r = 0;
    for (; r < fields.size(); ++r) {
        INFO("field '" << fields[r] << "' in row " << r << " at level " << std::string(sk::to_string(level)));
        T expected{};
        const bool null = fields[r].empty() || nulls.spelled(fields[r]);
        const std::string written = point == '.' ? fields[r] : detail::csv_with_point(fields[r]);
        if (null ? !nullable : !detail::parse_into(written.data(), written.data() + written.size(), expected)) break;
        REQUIRE(good > r);
        T found{};
        std::memcpy(&found, reinterpret_cast<const char*>(values.data()) + r * sizeof(T), sizeof(T));
        if (nullable) REQUIRE(((validity[r / 8] >> (r % 8)) & 1) == !null);
        REQUIRE(std::memcmp(&found, &expected, sizeof(T)) == 0);
    }

    REQUIRE(good == r);
}

template <class T>
void compare_at_all_levels(const std::vector<std::string>& fields, const detail::csv_null_rule& nulls = {}, bool careful = false) {
    support::at_every_simd_level([&](sk::instruction_set level) {
        compare<T>(fields, false, level, nulls, careful);
        compare<T>(fields, true, level, nulls, careful);
        if constexpr (detail::has_point<T>) {
            if (fields.size() % 8 != 0) return;
            // Of some columns the same with commas for points, and points for commas.
            const auto swapped = [](std::vector<std::string> all) {
                for (std::string& one : all) one = detail::csv_with_point(one);
                return all;
            };
            const detail::csv_null_rule with_commas{swapped(nulls.spellings), nulls.quoted_is_text};
            compare<T>(swapped(fields), false, level, with_commas, careful, ',');
            compare<T>(swapped(fields), true, level, with_commas, careful, ',');
        }
    });
}

// What most fields look like: the forms that are taken eight rows at a time.
template <class T>
std::string usual_field(dice& d) {
    const auto day = [&] { return std::to_string(1890 + d.below(220)) + "-" + two(1 + d.below(12)) + "-" + two(1 + d.below(28)); };
    if constexpr (std::is_same_v<T, bool>) return d.chance(50) ? "true" : "false";
    if constexpr (std::is_same_v<T, sk::date>) return day();
    if constexpr (std::is_same_v<T, sk::timestamp>) return day() + " " + two(d.below(24)) + ":" + two(d.below(60)) + ":" + two(d.below(60));
    std::string number = digits(d, 1 + d.below(8));
    if (std::is_floating_point_v<T> && d.chance(70)) number.insert(d.below(number.size() + 1), 1, '.');
    return number;
}

// Columns of usual fields, with some nulls, and one field of them damaged.
template <class T>
void compare_usual(std::uint64_t seed) {
    dice d{seed};
    for (int round = 0; round < 300; ++round) {
        std::vector<std::string> fields(8 + d.below(40));
        for (std::string& field : fields) field = usual_field<T>(d);
        compare_at_all_levels<T>(fields);
        std::string& wrong = fields[d.below(fields.size())];
        if (d.chance(70)) wrong[d.below(wrong.size())] = "0123456789-:. Tt/+x\"~\x80"[d.below(23)];
        else if (d.chance(50)) wrong.insert(d.below(wrong.size() + 1), 1, "05.-"[d.below(4)]);
        else wrong.erase(d.below(wrong.size()), 1);
        compare_at_all_levels<T>(fields);
        for (std::string& field : fields)
            if (d.chance(30)) field.clear();
        compare_at_all_levels<T>(fields);
    }
}

template <class T>
void compare_random(std::uint64_t seed) {
    compare_usual<T>(seed + 100);
    dice d{seed};
    for (int round = 0; round < 1500; ++round) {
        // Rows that are values of this type, and one random field somewhere among them.
        std::vector<std::string> fields;
        const std::size_t rows = 1 + d.below(40);
        while (fields.size() < rows) {
            std::string field = random_field(d);
            T value{};
            if (detail::parse_into(field.data(), field.data() + field.size(), value)) fields.push_back(std::move(field));
        }
        compare_at_all_levels<T>(fields);
        fields[d.below(rows)] = random_field(d);
        compare_at_all_levels<T>(fields);
    }
}

}  // namespace

TEST_CASE("columns of integers are read as parse_value reads each value, at every level") {
    compare_random<std::int32_t>(1);
    compare_random<std::int64_t>(2);
    compare_at_all_levels<std::int32_t>({"2147483647", "-2147483648", "00000012", "99999999", "-1", "0", "-0", "+7", "12345678", "1", "22"});
    compare_at_all_levels<std::int64_t>({"9223372036854775807", "-9223372036854775808", "9999999999999999", "-9999999999999999", "10000000000000000"});
}

TEST_CASE("columns of floating point are read as parse_value reads each value, bit for bit") {
    compare_random<double>(3);
    compare_random<float>(4);
    compare_at_all_levels<double>({"0.1", ".5", "5.", "-0", "-0.0", "12345678.87654321", "99999999.99999999", "9007199254740993", "90071992.54740993", "1e22", "0.15", "1.",
                                   "123456789", "1234567.1", "-1234567.1", "00000000.00000001"});
    compare_at_all_levels<float>({"0.1", "16777217", "1677721.7", "3.4028235e38", "1234567.8", "99999999", ".00000001"});
}

TEST_CASE("columns of truth values, dates and timestamps are read as parse_value reads each value") {
    compare_random<bool>(5);
    compare_random<sk::date>(6);
    compare_random<sk::timestamp>(7);
    compare_random<sk::duration>(8);
    std::vector<std::string> days, times;
    for (int day = -80'000; day < 80'000; day += 37) {    // years 1750 to 2189: the calendar's borders are among them
        days.push_back(sk::to_text(sk::date::from_days(day)));
        times.push_back(days.back() + " 23:59:59");
    }
    compare_at_all_levels<sk::date>(days);
    compare_at_all_levels<sk::timestamp>(times);
}

TEST_CASE("every day of four centuries exists, and the one behind each month does not") {
    for (int year = 1898; year < 2160; ++year) {
        for (int month = 1; month <= 12; ++month) {
            int last = 31;
            while (!sk::date::is_valid(year, month, last)) --last;
            const std::string start = std::to_string(year) + "-" + two(static_cast<std::size_t>(month)) + "-";
            const std::vector<std::string> good(8, start + two(static_cast<std::size_t>(last)));
            compare_at_all_levels<sk::date>(good);
            for (const std::size_t wrong : {std::size_t{0}, static_cast<std::size_t>(last) + 1}) {
                std::vector<std::string> bad = good;
                bad[5] = start + two(wrong);
                compare_at_all_levels<sk::date>(bad);
            }
        }
    }
}

TEST_CASE("spellings of null are nulls, values or not") {
    compare_at_all_levels<std::int64_t>({"1", "NA", "", "3", "NULL", "5", "6", "7", "8", "9"}, {{"NA", "NULL"}, false});
    compare_at_all_levels<double>({"1", "-999", "", "3"}, {{"-999"}, false}, true);
    CHECK_FALSE(detail::csv_null_rule{{"NA"}, false}.spelled("na"));
}

TEST_CASE("texts are put one behind the other with their doubled quotes single, at every level, and nothing behind them changes") {
    dice d{9};
    for (int round = 0; round < 400; ++round) {
        const bool doubled = round % 2 == 0;
        std::vector<std::string> fields(1 + d.below(60));
        std::string expected;
        std::vector<std::int64_t> expected_ends;
        std::size_t quotes = 0;
        for (std::string& field : fields) {
            for (std::size_t left = d.chance(20) ? 0 : d.chance(90) ? d.below(40) : d.below(300); left > 0; --left) {
                const bool quote = doubled && d.chance(15);
                field += quote ? "\"\"" : "z";
                expected += quote ? '"' : 'z';
                quotes += quote ? 2 : 0;
            }
            expected_ends.push_back(static_cast<std::int64_t>(100 + expected.size()));
        }
        const column_of_fields block(fields, 1);
        detail::csv_fields_of_column of{block.text.data() + 1, block.text.data(), block.positions.data(), block.positions.data() + 1, fields.size()};
        support::at_every_simd_level([&](sk::instruction_set level) {
            const detail::csv_text_functions functions = detail::csv_text_functions_at(level);
            CHECK(functions.count_quotes(of) == quotes);
            std::string found(expected.size() + 3, '#');
            auto* const to = reinterpret_cast<std::byte*>(found.data());
            std::vector<std::int64_t> ends(fields.size());
            std::vector<std::uint8_t> validity(fields.size() / 8 + 1, 0x55);
            const auto place = doubled ? functions.place_doubled : functions.place;
            REQUIRE(place(of, to, to + expected.size(), 100, ends.data(), validity.data()) == to + expected.size());
            CHECK(found == expected + "###");
            CHECK(ends == expected_ends);
            for (std::size_t r = 0; r < fields.size(); ++r) CHECK(((validity[r / 8] >> (r % 8)) & 1) == !fields[r].empty());
        });
    }
}
