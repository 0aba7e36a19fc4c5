#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <segkit/io/csv.hpp>
#include <segkit/query/head.hpp>

#include "random_rows.hpp"

namespace sk = segkit;
using namespace segkit::literals;

namespace {

using rows::ids_of;
using rows::kept_ids;
using rows::thin;

// A counting number of rows: how many have been pushed, and in which order the morsels are, the last first where asked.
using number_schema = sk::schema<sk::field<"id", std::int64_t>>;
struct numbers {
    using schema_type = number_schema;
    std::size_t morsels;
    bool backward;
    std::shared_ptr<std::atomic<std::size_t>> pushed = std::make_shared<std::atomic<std::size_t>>(0);

    class source final : public sk::row_source {
    public:
        source(std::size_t morsels, bool backward, std::shared_ptr<std::atomic<std::size_t>> pushed) : morsels_(morsels), backward_(backward), pushed_(std::move(pushed)) {}
        void scan(const std::vector<bool>&, sk::executor_ref, sk::morsel_consumer& consumer) override {
            for (std::size_t i = 0; i < morsels_; ++i) {
                const std::size_t morsel = backward_ ? morsels_ - 1 - i : i;
                const auto worker = consumer.start(morsel);
                std::int64_t values[100];
                for (std::int64_t k = 0; k < 100; ++k) values[k] = static_cast<std::int64_t>(morsel) * 100 + k;
                sk::chunk c;
                c.rows = c.selected = 100;
                c.first_row = morsel * 100;
                c.slots.push_back({values});
                *pushed_ += 100;
                worker->take(c);
                worker->finish();
            }
        }
        std::string describe() const override { return "numbers"; }

    private:
        std::size_t morsels_;
        bool backward_;
        std::shared_ptr<std::atomic<std::size_t>> pushed_;
    };
    std::shared_ptr<sk::row_source> open() const { return std::make_shared<source>(morsels, backward, pushed); }
};

// A file of many rows that counts what is read of it.
class counted_text final : public sk::byte_input {
public:
    explicit counted_text(std::string text) : text_(std::make_shared<const std::string>(std::move(text))) {}
    std::unique_ptr<sk::byte_stream> open() const override { return std::make_unique<stream>(*this); }
    std::string name() const override { return "counted.csv"; }

    mutable std::atomic<std::size_t> bytes_read{0};

private:
    class stream final : public sk::byte_stream {
    public:
        explicit stream(const counted_text& from) : from_(from) {}
        std::size_t read(char* to, std::size_t bytes) override {
            const std::size_t got = std::min(bytes, from_.text_->size() - at_);
            std::memcpy(to, from_.text_->data() + at_, got);
            at_ += got;
            from_.bytes_read += got;
            return got;
        }

    private:
        const counted_text& from_;
        std::size_t at_ = 0;
    };
    std::shared_ptr<const std::string> text_;
};

}  // namespace

TEST_CASE("head of a file reads its beginning only, in order on any number of threads, and what is wrong at its end is not noticed") {
    std::string text = "id,word\n";
    for (int i = 0; i < 2'000'000; ++i) text += std::to_string(i) + (i == 1'900'000 ? ",a,b\n" : ",a word\n");
    const auto file = std::make_shared<const counted_text>(std::move(text));
    using schema = sk::schema<sk::field<"id", std::int64_t>, sk::field<"word", sk::text>>;
    for (const unsigned n : {1u, 2u, 3u, 7u}) {
        file->bytes_read = 0;
        const auto first = sk::scan_csv<schema>(file) | sk::filter("id"_c >= 100) | sk::head(5'000) | sk::collect(sk::threads(n));
        REQUIRE(first.rows() == 5'000);
        CHECK(first["id"_c][0] == 100);
        CHECK(first["id"_c][4'999] == 5'099);
        CHECK(first["word"_c][4'999] == "a word");
        CHECK(file->bytes_read < 17'000'000);    // of 30 MB
    }
    CHECK_THROWS_AS(sk::scan_csv<schema>(file) | sk::head(1'950'000) | sk::collect(sk::threads(2)), sk::error);
}

TEST_CASE("head and skip part the rows, after a filter too") {
    for (const auto& d : rows::cases()) {
        const auto ids = kept_ids(d);
        for (const std::size_t n : {0u, 1u, 7u, 200u, 2'048u, 20'000u, 1'000'000u}) {
            bool same = false;
            const auto first = rows::through(d, sk::filter(thin) | sk::head(n), &same);
            CHECK(same);
            const std::size_t cut = std::min(n, ids.size());
            CHECK(ids_of(first) == std::vector<std::int64_t>(ids.begin(), ids.begin() + static_cast<std::ptrdiff_t>(cut)));
            const auto rest = rows::through(d, sk::filter(thin) | sk::skip(n), &same);
            CHECK(same);
            CHECK(ids_of(rest) == std::vector<std::int64_t>(ids.begin() + static_cast<std::ptrdiff_t>(cut), ids.end()));
            const auto page = rows::through(d, sk::skip(n) | sk::head(10) | sk::select("id"_c), &same);
            CHECK(same);
            CHECK(page.rows() == std::min<std::size_t>(10, d.list.size() - std::min(n, d.list.size())));
            if (page.rows()) CHECK(page["id"_c][0] == static_cast<std::int64_t>(n));
        }
    }
}

TEST_CASE("head stops reading once it has its rows") {
    const numbers many{1'000, false};
    CHECK((many | sk::head(150) | sk::collect()).rows() == 150);
    CHECK(*many.pushed <= 300);
    CHECK((many | sk::head(0) | sk::collect()).rows() == 0);
    CHECK(*many.pushed <= 300);
}

TEST_CASE("head has the first rows of a source whose last morsel comes first") {
    const auto first = numbers{20, true} | sk::head(3) | sk::collect();
    CHECK(ids_of(first) == std::vector<std::int64_t>{0, 1, 2});
    CHECK(ids_of(numbers{20, true} | sk::head(5'000) | sk::collect()).size() == 2'000);
}

TEST_CASE("what is wrong in chunks behind the first rows is not noticed; what is wrong among them is") {
    const auto wrong = "id"_c * sk::apply([](std::int64_t id) { return id < 300 ? std::int64_t{1} : INT64_MAX; }, "id"_c);
    for (const unsigned threads : {1u, 3u}) {
        const auto query = numbers{50, false} | sk::derive("x"_c = wrong);
        CHECK((query | sk::head(300) | sk::collect(sk::threads(threads))).rows() == 300);
        const auto failed = query | sk::head(301) | sk::try_collect(sk::threads(threads));
        REQUIRE(!failed);
        CHECK(failed.error().details().row == 300u);
    }
}

TEST_CASE("head of a group-by and of a join") {
    const auto& d = rows::cases().back();
    const auto groups = d.table | sk::group_by("group"_c).aggregate("n"_c = sk::count());
    CHECK((groups | sk::head(3) | sk::collect(sk::threads(2))).rows() == 3);
    const auto joined = d.table | sk::inner_join(groups, "group"_c) | sk::head(5) | sk::collect(sk::threads(2));
    REQUIRE(joined.rows() == 5);
    std::vector<std::int64_t> expected;
    for (const auto& r : d.list)
        if (r.group && expected.size() < 5) expected.push_back(r.id);
    CHECK(ids_of(joined) == expected);
}
