#include <segkit/query/detail/text_key.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include <segkit/query.hpp>

namespace {

namespace sk = segkit;
using namespace segkit::literals;

struct placed_key {
    explicit placed_key(std::string_view text) { sk::detail::text_key::write(bytes, text); }
    std::byte bytes[sk::detail::text_key::width];
};

// Texts of every length around the border, some equal in all but one byte.
std::vector<std::string> texts() {
    std::vector<std::string> all{"", std::string(1, '\0'), std::string(2, '\0')};
    for (std::size_t n = 1; n <= 26; ++n) {
        const std::string same = std::string("abcdefghijklmnopqrstuvwxyz").substr(0, n);
        all.push_back(same);
        for (const std::size_t changed : {std::size_t{0}, n / 2, n - 1}) {
            std::string other = same;
            other[changed] = '#';
            all.push_back(other);
        }
    }
    return all;
}

}  // namespace

TEST_CASE("keys are the same where the texts are, and give them back") {
    const std::vector<std::string> all = texts();
    for (const std::string& a : all) {
        const placed_key x(a);
        CHECK(sk::detail::text_key::at(x.bytes) == a);
        CHECK(sk::detail::text_key::is_short(x.bytes) == (a.size() <= 20));
        for (const std::string& b : all) {
            const std::string elsewhere = b;    // other bytes in memory
            CHECK(sk::detail::text_key::same(x.bytes, placed_key(elsewhere).bytes) == (a == b));
        }
    }
}

TEST_CASE("grouping by short, long and null texts that are aggregated too") {
    using rows = sk::schema<sk::field<"name", std::optional<sk::text>>, sk::field<"value", std::int64_t>>;
    const std::vector<std::string> names = texts();
    sk::table<rows> t;
    std::map<std::optional<std::string>, std::pair<std::int64_t, std::int64_t>> expected;    // count, sum
    for (std::int64_t i = 0; i < 20'000; ++i) {
        const auto pick = static_cast<std::size_t>(i * 7919 % 131);
        std::optional<std::string> name;
        if (pick < names.size()) name = names[pick];
        if (name) t.append(std::string_view(*name), i);
        else t.append(std::nullopt, i);
        auto& e = expected[name];
        ++e.first;
        e.second += i;
    }
    const auto groups = t | sk::group_by("name"_c).aggregate("rows"_c = sk::count(), "sum"_c = sk::sum("value"_c), "least"_c = sk::min("name"_c)) | sk::collect();
    REQUIRE(groups.rows() == expected.size());
    for (std::size_t i = 0; i < groups.rows(); ++i) {
        const auto found = groups["name"_c][i];
        const auto& e = expected.at(found ? std::optional<std::string>(*found) : std::nullopt);
        CHECK(groups["rows"_c][i] == e.first);
        CHECK(groups["sum"_c][i] == e.second);
        CHECK(groups["least"_c][i] == found);
    }
}
