// A source that can be read once: whatever needs its rows twice keeps them.
#include <doctest/doctest.h>

#include <memory>
#include <stdexcept>
#include <string>

#include <segkit/prepare.hpp>
#include <segkit/query.hpp>
#include <segkit/rules/rules.hpp>

namespace sk = segkit;
using namespace segkit::literals;

namespace {

using points = sk::schema<sk::field<"id", std::int64_t>, sk::field<"x", double>, sk::field<"y", double>>;

class once_only final : public sk::row_source {
public:
    explicit once_only(std::shared_ptr<sk::row_source> rows) : rows_(std::move(rows)) {}
    void scan(const std::vector<bool>& needed, sk::executor_ref executor, sk::morsel_consumer& consumer) override {
        if (read_) throw std::logic_error("read twice");
        read_ = true;
        rows_->scan(needed, executor, consumer);
    }
    std::string describe() const override { return "rows that can be read once"; }
    bool rescannable() const override { return false; }

private:
    std::shared_ptr<sk::row_source> rows_;
    bool read_ = false;
};

struct stream {
    using schema_type = points;
    std::shared_ptr<const sk::table<points>> rows;
    std::shared_ptr<sk::row_source> open() const { return std::make_shared<once_only>(sk::detail::open_table(*rows, rows)); }
};
stream a_stream() { return {std::make_shared<const sk::table<points>>(sk::table<points>{{1, 1, 10}, {2, 2, 20}, {3, 3, 90}})}; }

}  // namespace

TEST_CASE("a recipe that learns and reports reads a stream once") {
    const auto recipe = sk::rules("size"_c, sk::rule("small", "x"_c < 2.0), sk::otherwise("large")) | sk::standard_scale("x"_c);
    const auto fitted = sk::fit(recipe, a_stream());
    CHECK(fitted.report.get<sk::rule_coverage>()["small"].taken == 1);
    CHECK(fitted.report.get<sk::scale_report>().scaling.columns[0].centre == 2);
}

TEST_CASE("the right side of a join may be a stream, whatever columns later passes want of it") {
    const sk::table<sk::schema<sk::field<"id", std::int64_t>>> ids{{3}, {1}, {2}};
    const auto joined = ids | sk::inner_join(a_stream(), "id"_c, sk::one_match);
    const auto fitted = sk::fit(sk::standard_scale("x"_c) | sk::min_max_scale(sk::columns("y"_c)), joined);
    const auto t = joined | fitted.model | sk::collect();
    CHECK(t["y"_c][0] == 1);
    CHECK(t["y"_c][1] == 0);
    CHECK(t["x"_c][2] == 0);
}
