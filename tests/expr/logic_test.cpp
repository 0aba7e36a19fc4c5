// Three-valued logic, as in SQL: the truth tables in full.
#include <doctest/doctest.h>

#include <optional>
#include <vector>

#include <segkit/query.hpp>

namespace sk = segkit;
using namespace segkit::literals;

namespace {

using truth = std::optional<bool>;
constexpr truth yes = true, no = false, unknown = std::nullopt;
using pairs = sk::schema<sk::field<"a", std::optional<bool>>, sk::field<"b", std::optional<bool>>>;

// a runs slowest: yes, no, unknown; so does b inside it.
sk::table<pairs> all_pairs() {
    sk::table<pairs> t;
    for (const truth a : {yes, no, unknown})
        for (const truth b : {yes, no, unknown}) t.append(a, b);
    return t;
}
template <class E>
std::vector<truth> values(const E& e) {
    const auto t = all_pairs() | sk::derive("out"_c = e) | sk::collect();
    std::vector<truth> out;
    for (const auto v : t["out"_c]) out.push_back(v);
    return out;
}
using rows = std::vector<truth>;

}  // namespace

TEST_CASE("and is false where a side is false, unknown where the other decides") {
    CHECK(values("a"_c && "b"_c) == rows{yes, no, unknown, no, no, no, unknown, no, unknown});
}

TEST_CASE("or is true where a side is true, unknown where the other decides") {
    CHECK(values("a"_c || "b"_c) == rows{yes, yes, yes, yes, no, unknown, yes, unknown, unknown});
}

TEST_CASE("not of unknown is unknown, and De Morgan's laws hold") {
    CHECK(values(!"a"_c) == rows{no, no, no, yes, yes, yes, unknown, unknown, unknown});
    CHECK(values(!("a"_c && "b"_c)) == values(!"a"_c || !"b"_c));
    CHECK(values(!("a"_c || "b"_c)) == values(!"a"_c && !"b"_c));
}

TEST_CASE("a comparison with null is unknown, even of null with itself; is_null is never unknown") {
    CHECK(values("a"_c == "b"_c) == rows{yes, no, unknown, no, yes, unknown, unknown, unknown, unknown});
    CHECK(values("a"_c != "b"_c) == rows{no, yes, unknown, yes, no, unknown, unknown, unknown, unknown});
    CHECK(values("b"_c == "b"_c) == rows{yes, yes, unknown, yes, yes, unknown, yes, yes, unknown});
    const auto t = all_pairs() | sk::derive("n"_c = sk::is_null("a"_c), "k"_c = sk::is_not_null("b"_c)) | sk::collect();
    static_assert(std::is_same_v<decltype(t["n"_c][0]), bool> && std::is_same_v<decltype(t["k"_c][0]), bool>);
    CHECK(!t["n"_c][0]);
    CHECK(t["n"_c][6]);
    CHECK(t["k"_c][6]);
    CHECK(!t["k"_c][8]);
}

TEST_CASE("a plain truth value on one side changes nothing in the tables") {
    CHECK(values("a"_c && true) == rows{yes, yes, yes, no, no, no, unknown, unknown, unknown});
    CHECK(values("a"_c && false) == rows{no, no, no, no, no, no, no, no, no});
    CHECK(values(false || "b"_c) == rows{yes, no, unknown, yes, no, unknown, yes, no, unknown});
    CHECK(values(true || "b"_c) == rows(9, yes));
}

TEST_CASE("filter keeps what is true: neither the false nor the unknown") {
    const auto t = all_pairs();
    CHECK((t | sk::filter("a"_c) | sk::collect()).rows() == 3);
    CHECK((t | sk::filter(!"a"_c) | sk::collect()).rows() == 3);
    CHECK((t | sk::filter("a"_c || !"a"_c) | sk::collect()).rows() == 6);
    CHECK((t | sk::filter("a"_c == "b"_c || "a"_c != "b"_c) | sk::collect()).rows() == 4);
}
