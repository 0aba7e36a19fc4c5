// Text in the states of groups: it outlives the rows it came from, and does not pile up.
#include <doctest/doctest.h>

#include <optional>
#include <string>
#include <string_view>

#include <segkit/detail/arena.hpp>
#include <segkit/query.hpp>

namespace sk = segkit;
using namespace segkit::literals;

namespace {

struct last_kind {
    static constexpr std::string_view aggregate_name = "last";
    static constexpr bool never_null = false;
    struct last_text {
        std::string_view value{};
        bool any = false;
        void update(std::string_view v) { value = v, any = true; }
        void merge(const last_text& other) {
            if (other.any) *this = other;
        }
    };
    template <class T>
    static constexpr bool accepts = std::same_as<T, sk::text>;
    template <class T>
    using state = last_text;
    template <class T>
    using result = sk::text;
    template <class T>
    static std::optional<std::string_view> finish(const last_text& s) {
        return s.any ? std::optional(s.value) : std::nullopt;
    }
};

}  // namespace

TEST_CASE("least and greatest text of lengths that rise and fall, and an aggregate of the user that keeps a view") {
    sk::table<sk::schema<sk::field<"n", std::int64_t>>> t;
    for (std::int64_t i = 0; i < 70'000; ++i) t.append(std::tuple<std::int64_t>(i));
    const auto word = [](std::int64_t n) { return std::to_string(n * 7919 % 70'001) + std::string(static_cast<std::size_t>(n % 31), '.'); };
    const auto got = t | sk::derive("word"_c = sk::apply(word, "n"_c), "group"_c = sk::apply([](std::int64_t n) { return n % 3; }, "n"_c)) |
                     sk::group_by("group"_c).aggregate("least"_c = sk::min("word"_c), "most"_c = sk::max("word"_c), "last"_c = sk::aggregate_with(last_kind{}, "word"_c)) |
                     sk::collect();
    for (std::int64_t g = 0; g < 3; ++g) {
        std::string least = word(g), most = word(g), last;
        for (std::int64_t i = g; i < 70'000; i += 3) {
            least = std::min(least, word(i));
            most = std::max(most, word(i));
            last = word(i);
        }
        CHECK(got["least"_c][static_cast<std::size_t>(g)] == least);
        CHECK(got["most"_c][static_cast<std::size_t>(g)] == most);
        CHECK(got["last"_c][static_cast<std::size_t>(g)] == last);
    }
}

TEST_CASE("a greatest text that rises with every row takes the place of the one before") {
    sk::detail::arena memory;
    sk::extreme_state<std::string_view> state;
    const char* place = nullptr;
    for (int i = 100; i < 1000; ++i) {
        const std::string row = "row " + std::to_string(i) + " of a long column";
        sk::detail::update_kept(state, std::string_view(row), memory);
        if (!place) place = state.high.data();
        REQUIRE(state.high.data() == place);
    }
    CHECK(state.high == "row 999 of a long column");
    CHECK(state.low == "row 100 of a long column");
}
