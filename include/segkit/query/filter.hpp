// segkit/query/filter.hpp: keeps the rows for which a condition is true.
//
//     sessions | filter("start"_c >= date(2023, 1, 4) && "clicks"_c > 3)
//
// Three-valued: a row whose condition is unknown (a null was compared) is not kept. Row-local; costs one evaluation a row.
#pragma once

#include <segkit/config.hpp>
#include <segkit/pipeline/pipeline.hpp>

namespace SEGKIT_NAMESPACE {

namespace detail {

template <class Bound>
class filter_step final : public step {
public:
    explicit filter_step(bound_expression<Bound> e) : step(std::move(e.reads), {}), bound_(std::move(e.bound)) {}
    std::string_view word() const override { return "filter"; }
    bool changes_rows() const override { return true; }
    void run(chunk& c, scratch&) const override {
        const auto open = bound_.open(c);
        std::uint32_t kept = 0;
        c.each([&](std::uint32_t, std::uint32_t row) {
            const auto x = open(row);
            c.selection[kept] = static_cast<std::uint16_t>(row);    // overwritten by the next row where this one goes
            kept += std::uint32_t{is_known(x) && value_in(x)};
        });
        c.dense = c.dense && kept == c.rows;
        c.selected = kept;
    }

private:
    Bound bound_;
};

}  // namespace detail

template <class E>
struct filter_stage : stage_base {
    static constexpr std::string_view stage_name = "filter";
    E condition;

    template <class Schema>
    auto bind(relation<Schema> r) const {
        auto bound = detail::bind_expression(r, condition);
        using B = decltype(bound.bound);
        if constexpr (detail::is_condition<B>) r.plan.add_step(std::make_shared<detail::filter_step<B>>(std::move(bound)));
        else if constexpr (!detail::is_erroneous<B>)
            (void)sizeof(condition_is_not_boolean<detail::plain_column_of<detail::known_t<detail::result_t<B>>>>);
        return r;
    }
};

template <expression E>
constexpr auto filter(const E& condition) {
    return make_pipeline(filter_stage<E>{{}, condition});
}

}  // namespace SEGKIT_NAMESPACE
