// Stages, estimators, aggregates and byte inputs of the user's own, made from the "how to satisfy it" paragraphs alone.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <segkit/exec/threads.hpp>
#include <segkit/io/csv.hpp>
#include <segkit/pipeline/estimate.hpp>
#include <segkit/pipeline/save.hpp>
#include <segkit/query.hpp>

namespace sk = segkit;
using namespace segkit::literals;

namespace {

using readings = sk::schema<sk::field<"id", std::int64_t>, sk::field<"level", double>>;

sk::table<readings> some(std::size_t rows) {
    sk::table<readings> t;
    for (std::size_t i = 0; i < rows; ++i) t.append(static_cast<std::int64_t>(i), static_cast<double>(i % 10));
    return t;
}

// ---- a stage: adds "doubled" beside "level"

class doubling final : public sk::step {
public:
    doubling(int from, int to) : step({from}, {to}), from_(from), to_(to) {}
    std::string_view word() const override { return "double"; }
    void run(sk::chunk& rows, sk::scratch& memory) const override {
        const auto* in = rows.slots[static_cast<std::size_t>(from_)].as<double>();
        auto* out = memory.values<double>(to_);
        rows.each([&](std::uint32_t, std::uint32_t row) { out[row] = 2 * in[row]; });
        rows.slots[static_cast<std::size_t>(to_)] = {out};
    }

private:
    int from_, to_;
};
struct doubled : sk::stage_base {
    template <class S>
    auto bind(sk::relation<S> r) const {
        const int from = r.template slot<"level">();
        const int to = r.plan.add_slot({.type = sk::type_id::float64});
        r.plan.add_step(std::make_shared<doubling>(from, to));
        return std::move(r).template append<"doubled", double>(to);
    }
};
static_assert(sk::stage<doubled> && !sk::learning_stage<doubled> && !sk::stage<int>);

// ---- a learning stage: flags the rows above the mean of "level"

struct level_sum {
    double sum = 0;
    std::size_t rows = 0;
};
class level_worker final : public sk::morsel_worker {
public:
    level_worker(level_sum& state, int slot) : state_(state), slot_(slot) {}
    void take(const sk::chunk& c) override {
        const auto* values = c.slots[static_cast<std::size_t>(slot_)].as<double>();
        c.each([&](std::uint32_t, std::uint32_t row) { state_.sum += values[row]; });
        state_.rows += c.selected;
    }

private:
    level_sum& state_;
    int slot_;
};
struct mean_report {
    double mean;
};
struct fitted_above_mean : sk::stage_base {
    static constexpr std::string_view stage_name = "above_mean";
    double mean = 0;

    template <class S>
    auto bind(sk::relation<S> r) const {
        return std::move(r).template append<"above", bool>(add_to(r));
    }
    template <class Archive>
    void serialize(Archive& archive) {
        archive.field("mean", mean);
    }

private:
    class comparison final : public sk::step {
    public:
        comparison(int from, int to, double mean) : step({from}, {to}), from_(from), to_(to), mean_(mean) {}
        std::string_view word() const override { return "above_mean"; }
        void run(sk::chunk& rows, sk::scratch& memory) const override {
            const auto* in = rows.slots[static_cast<std::size_t>(from_)].as<double>();
            auto* out = memory.values<bool>(to_);
            rows.each([&](std::uint32_t, std::uint32_t row) { out[row] = in[row] > mean_; });
            rows.slots[static_cast<std::size_t>(to_)] = {out};
        }

    private:
        int from_, to_;
        double mean_;
    };
    template <class S>
    int add_to(sk::relation<S>& r) const {
        const int to = r.plan.add_slot({.type = sk::type_id::boolean});
        r.plan.add_step(std::make_shared<comparison>(r.template slot<"level">(), to, mean));
        return to;
    }
};
struct above_mean : sk::stage_base {
    using must_be_fitted = void;
    using model_type = fitted_above_mean;

    template <class S>
    auto fit(const sk::relation<S>& rows, sk::executor_ref executor) const {
        const int slot = rows.template slot<"level">();
        sk::state_per_morsel<level_sum, level_worker, int> sums(slot);
        rows.plan.run({slot}, executor, sums);
        level_sum all;
        sums.in_order([&](const level_sum& part) { all.sum += part.sum, all.rows += part.rows; });
        const double mean = all.sum / static_cast<double>(all.rows);
        return sk::stage_fit<model_type, mean_report>{{{}, mean}, {mean}};
    }
};
static_assert(sk::learning_stage<above_mean> && sk::stage<fitted_above_mean> && !sk::learning_stage<fitted_above_mean>);

// ---- a matrix estimator: the least value of the first feature; its state cannot be made from nothing

struct least_estimator {
    struct state {
        explicit state(double start) : least(start) {}
        double least;
    };
    state start() const { return state(1e300); }
    void update(state& s, sk::matrix_view<const double> block) const {
        for (std::size_t i = 0; i < block.rows; ++i) s.least = std::min(s.least, block(i, 0));
    }
    void merge(state& s, const state& other) const { s.least = std::min(s.least, other.least); }
    double finish(const state& s) const { return s.least; }
};
static_assert(sk::matrix_estimator<least_estimator> && !sk::matrix_estimator<int>);

// ---- an aggregate: greatest minus least

struct span_kind {
    static constexpr std::string_view aggregate_name = "span";
    static constexpr bool never_null = false;
    template <class T>
    static constexpr bool accepts = sk::is_number<T>;
    template <class T>
    struct state {
        double low = 1e300, high = -1e300;
        void update(T value) { low = std::min(low, static_cast<double>(value)), high = std::max(high, static_cast<double>(value)); }
        void merge(const state& other) { low = std::min(low, other.low), high = std::max(high, other.high); }
    };
    template <class T>
    using result = double;
    template <class T>
    static std::optional<double> finish(const state<T>& s) {
        return s.low <= s.high ? std::optional(s.high - s.low) : std::nullopt;
    }
};
static_assert(sk::aggregate_function<span_kind> && !sk::aggregate_function<int>);

// ---- a byte input: text that comes one byte at a time

class dripping_text final : public sk::byte_input {
public:
    explicit dripping_text(std::string content) : content_(std::move(content)) {}
    std::unique_ptr<sk::byte_stream> open() const override { return std::make_unique<stream>(content_); }
    std::string name() const override { return "dripping text"; }

private:
    class stream final : public sk::byte_stream {
    public:
        explicit stream(const std::string& content) : content_(content) {}
        std::size_t read(char* to, std::size_t bytes) override {
            if (at_ == content_.size() || bytes == 0) return 0;
            *to = content_[at_++];
            return 1;
        }

    private:
        const std::string& content_;
        std::size_t at_ = 0;
    };
    std::string content_;
};

}  // namespace

TEST_CASE("a stage of the user's own stands between others, after a filter, and is skipped where nothing reads its column") {
    const auto stage = sk::make_pipeline(doubled{});
    const auto t = some(5'000);
    const auto out = t | sk::filter("level"_c >= 5.0) | stage | sk::derive("more"_c = "doubled"_c + 1) | sk::collect();
    REQUIRE(out.rows() == 2'500);
    CHECK(out["more"_c][0] == 11.0);
    CHECK(out["doubled"_c][2'499] == 18.0);
    CHECK((t | stage | sk::aggregate("n"_c = sk::count()) | sk::collect())["n"_c][0] == 5'000);
}

TEST_CASE("a learning stage of the user's own is fitted inside a recipe, reports, and its model is saved and loaded") {
    const auto recipe = sk::filter("level"_c != 0.0) | sk::make_pipeline(above_mean{});
    const auto t = some(40'000);
    const auto fitted = sk::fit(recipe, t, sk::threads(3));
    CHECK(fitted.report.get<mean_report>().mean == 5.0);
    const auto labelled = t | fitted.model | sk::aggregate("above"_c = sk::count_if("above"_c)) | sk::collect();
    CHECK(labelled["above"_c][0] == 16'000);
    const std::string path = "archetypes_test_model.json";
    sk::save(fitted.model, path);
    const auto again = sk::load(path, recipe);
    std::remove(path.c_str());
    CHECK((t | again | sk::aggregate("above"_c = sk::count_if("above"_c)) | sk::collect())["above"_c][0] == 16'000);
}

TEST_CASE("an estimator of the user's own learns from a matrix on any executor") {
    std::vector<double> values(20'000);
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<double>((i * 7'919) % 20'000) - 3.5;
    CHECK(sk::estimate(least_estimator{}, sk::row_major(values.data(), 10'000, 2), sk::threads(2)) == -3.5);
}

TEST_CASE("an aggregate of the user's own works per group, over all rows, with a condition and over no rows") {
    const auto t = some(1'000);
    const auto g = t | sk::group_by("level"_c).aggregate("span"_c = sk::aggregate_with(span_kind{}, "id"_c)) | sk::collect();
    REQUIRE(g.rows() == 10);
    CHECK(g["span"_c][0] == 990.0);
    const auto a = t | sk::aggregate("span"_c = sk::aggregate_with(span_kind{}, "id"_c).where("level"_c == 3.0)) | sk::collect();
    CHECK(a["span"_c][0] == 990.0);
    const auto none = t | sk::filter("id"_c < 0) | sk::aggregate("span"_c = sk::aggregate_with(span_kind{}, "id"_c)) | sk::collect();
    REQUIRE(none.rows() == 1);
    CHECK(none["span"_c][0] == std::nullopt);
}

TEST_CASE("a byte input of the user's own may come in pieces of any size") {
    const auto t = sk::read_csv<readings>(std::make_shared<dripping_text>("level,id\n1.5,1\n\"2.5\",2\n"));
    REQUIRE(t.rows() == 2);
    CHECK(t["level"_c][1] == 2.5);
    CHECK(t["id"_c][0] == 1);
}
