// One archetype per concept of tables, sources and executors: a type that has what the concept asks for and nothing else,
// used end to end. Where one of these fails to compile, the concept or its "how to satisfy it" has become untrue.
#include <doctest/doctest.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <segkit/query.hpp>

namespace sk = segkit;
using namespace segkit::literals;

namespace {

// A column and no more: neither copied nor assigned once made, no size, no pointer.
struct squares {
    squares() = default;
    squares(squares&&) = default;
    squares& operator=(squares&&) = delete;
    double operator[](std::size_t row) const { return static_cast<double>(row * row); }
};
static_assert(sk::column<squares, double> && !sk::contiguous_column<squares, double> && !sk::nullable_column<squares, double>);

// A contiguous column: a column that also says where its values lie.
struct stored_numbers {
    explicit stored_numbers(const std::vector<std::int64_t>& values) : values_(values.data()) {}
    stored_numbers(stored_numbers&&) = default;
    stored_numbers& operator=(stored_numbers&&) = delete;
    std::int64_t operator[](std::size_t row) const { return values_[row]; }
    const std::int64_t* data() const { return values_; }

private:
    const std::int64_t* values_;
};
static_assert(sk::contiguous_column<stored_numbers, std::int64_t> && !sk::contiguous_column<stored_numbers, std::int32_t>);

// A nullable column: its values can be asked whether they are there.
struct odd_or_nothing {
    struct value {
        std::int32_t number;
        explicit operator bool() const { return number % 2 != 0; }
        const std::int32_t& operator*() const { return number; }
        operator std::optional<std::int32_t>() const { return number % 2 != 0 ? std::optional(number) : std::nullopt; }
    };
    odd_or_nothing() = default;
    odd_or_nothing(odd_or_nothing&&) = default;
    odd_or_nothing& operator=(odd_or_nothing&&) = delete;
    value operator[](std::size_t row) const { return {static_cast<std::int32_t>(row)}; }
};
static_assert(sk::nullable_column<odd_or_nothing, std::optional<std::int32_t>> && !sk::contiguous_column<odd_or_nothing, std::optional<std::int32_t>>);

// A table and no more: it can be looked at, not made, copied or moved by the library.
class readings {
public:
    explicit readings(std::vector<std::int64_t> ids) : ids_(std::move(ids)) {}
    readings(const readings&) = delete;
    readings& operator=(const readings&) = delete;

private:
    friend struct segkit::table_traits<readings>;
    std::vector<std::int64_t> ids_;
};

}  // namespace

template <>
struct segkit::table_traits<readings> {
    using schema_type = schema<field<"id", std::int64_t>, field<"square", double>, field<"odd", std::optional<std::int32_t>>>;
    static std::size_t rows(const readings& r) { return r.ids_.size(); }
    template <fixed_string Name>
    static auto column(const readings& r) {
        if constexpr (name_of<Name> == "id") return stored_numbers(r.ids_);
        else if constexpr (name_of<Name> == "square") return squares{};
        else return odd_or_nothing{};
    }
};
static_assert(sk::table_like<readings> && !sk::source<readings> && !sk::table_like<int>);

namespace {

// An executor and no more: it cannot be copied, and runs its tasks backwards.
class backwards {
public:
    backwards() = default;
    backwards(const backwards&) = delete;
    backwards& operator=(const backwards&) = delete;
    unsigned concurrency() const { return 1; }
    void bulk(std::size_t n, void (*task)(void*, std::size_t), void* context) const {
        for (std::size_t i = n; i-- > 0;) task(context, i);
    }
};
static_assert(sk::executor<backwards> && !sk::executor<int>);

// A row source and no more: it pushes one row per chunk and one chunk per morsel, and only columns that are asked for.
class countdown_rows final : public sk::row_source {
public:
    explicit countdown_rows(std::int64_t from) : from_(from) {}
    void scan(const std::vector<bool>& needed, sk::executor_ref executor, sk::morsel_consumer& consumer) override {
        executor.run(static_cast<std::size_t>(from_), [&](std::size_t i) {
            const auto worker = consumer.start(i);
            const std::int64_t number = from_ - static_cast<std::int64_t>(i);
            const std::string word(static_cast<std::size_t>(number), 'x');    // gone when the chunk is: not stable
            const std::string_view view(word);
            sk::chunk c;
            c.rows = c.selected = 1;
            c.first_row = i;
            c.slots.resize(2);
            if (needed[0]) c.slots[0].values = &number;
            if (needed.size() > 1 && needed[1]) c.slots[1].values = &view;
            worker->take(c);
            worker->finish();
        });
    }
    std::string describe() const override { return "countdown"; }

private:
    std::int64_t from_;
};

// A source and no more.
struct countdown {
    using schema_type = sk::schema<sk::field<"number", std::int64_t>, sk::field<"word", sk::text>>;
    std::int64_t from;
    std::shared_ptr<sk::row_source> open() const { return std::make_shared<countdown_rows>(from); }
};
static_assert(sk::source<countdown> && !sk::table_like<countdown> && sk::row_input<countdown> && !sk::row_input<int>);

std::vector<std::int64_t> numbers(std::int64_t n) {
    std::vector<std::int64_t> all;
    for (std::int64_t i = 0; i < n; ++i) all.push_back(i);
    return all;
}

}  // namespace

TEST_CASE("a type with table_traits is filtered, grouped and collected without being copied") {
    const readings r(numbers(5'000));
    const auto t = r | sk::filter("id"_c >= 10 && "square"_c < 400.0) | sk::collect();
    REQUIRE(t.rows() == 10);
    CHECK(t["id"_c][0] == 10);
    CHECK(t["square"_c][9] == 361.0);
    CHECK(t["odd"_c][0] == std::nullopt);
    CHECK(t["odd"_c][1] == 11);
    const auto sums = r | sk::aggregate("rows"_c = sk::count(), "odd"_c = sk::count("odd"_c), "total"_c = sk::sum("id"_c)) | sk::collect();
    CHECK(sums["rows"_c][0] == 5'000);
    CHECK(sums["odd"_c][0] == 2'500);
    CHECK(sums["total"_c][0] == 12'497'500);
}

TEST_CASE("an executor of the user's own runs a query to the same table") {
    const readings r(numbers(100'000));
    const backwards executor;
    const auto query = r | sk::derive("group"_c = "id"_c - "id"_c * 0) | sk::filter("id"_c > 30'000) | sk::select("id"_c, "odd"_c);
    const auto a = query | sk::collect();
    const auto b = query | sk::collect(executor);
    REQUIRE(a.rows() == 69'999);
    REQUIRE(b.rows() == a.rows());
    bool same = true;
    for (std::size_t i = 0; i < a.rows(); ++i) same = same && a.row(i) == b.row(i);
    CHECK(same);
    const auto grouped = r | sk::group_by("odd"_c).aggregate("n"_c = sk::count());
    const auto c = grouped | sk::collect();
    const auto d = grouped | sk::collect(executor);
    REQUIRE(c.rows() == 50'001);
    bool same_groups = d.rows() == c.rows();
    for (std::size_t i = 0; same_groups && i < c.rows(); ++i) same_groups = c.row(i) == d.row(i);
    CHECK(same_groups);
}

TEST_CASE("a source of the user's own is read in its row order, and text that does not outlive a chunk is kept") {
    const backwards executor;
    for (const auto& t : {countdown{40} | sk::filter("number"_c > 0) | sk::collect(), countdown{40} | sk::select("number"_c, "word"_c) | sk::collect(executor)}) {
        REQUIRE(t.rows() == 40);
        CHECK(t["number"_c][0] == 40);
        CHECK(t["word"_c][39] == "x");
        CHECK(t["word"_c][0].size() == 40);
    }
    const auto words = countdown{30} | sk::group_by("word"_c).aggregate("n"_c = sk::count(), "first"_c = sk::first("word"_c), "most"_c = sk::max("word"_c)) | sk::collect(executor);
    REQUIRE(words.rows() == 30);
    for (std::size_t i = 0; i < 30; ++i) {
        CHECK(words["word"_c][i].size() == 30 - i);
        CHECK(words["first"_c][i] == words["word"_c][i]);
        CHECK(words["most"_c][i] == words["word"_c][i]);
    }
}
