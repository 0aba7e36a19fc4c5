// segkit/pipeline/relation.hpp: a lazily computed table while a pipeline is bound: a plan under a schema.
//
// Stages take a relation and give the next one; nothing runs until it is collected or fitted. A relation is a value:
// copies share source and steps.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <segkit/config.hpp>
#include <segkit/error.hpp>
#include <segkit/expr/bind.hpp>
#include <segkit/pipeline/plan.hpp>

namespace SEGKIT_NAMESPACE {

template <class Schema>
struct relation {
    using schema_type = Schema;

    segkit::plan plan;
    std::vector<int> slot_of;    // slot of each column of the schema

    template <fixed_string Name>
    int slot() const {
        return slot_of[Schema::find(name_of<Name>)];
    }

    // The slots of all columns, as outputs of a pass.
    const std::vector<int>& outputs() const { return slot_of; }

    // The same rows under another schema whose columns stand in these slots.
    template <class Other>
    relation<Other> with(std::vector<int> slots) && {
        return {std::move(plan), std::move(slots)};
    }
    // One more column at the end.
    template <fixed_string Name, class T>
    auto append(int slot_number) && {
        slot_of.push_back(slot_number);
        return std::move(*this).template with<typename detail::append_fields<Schema, field<Name, T>>::type>(std::move(slot_of));
    }
};

namespace detail {

// What a stage gives once it has reported a mistake; the stages after it are skipped.
inline relation<erroneous_schema> erroneous_rows() { return {}; }

// A relation over all columns of a source.
template <class Schema>
relation<Schema> relation_over(std::shared_ptr<row_source> from) {
    relation<Schema> r{segkit::plan(from), {}};
    int column = 0;
    for_each_field<Schema>::apply([&]<class Field>(Field*) {
        using T = typename Field::type;
        r.slot_of.push_back(r.plan.add_slot({.type = slot_type_of<T>,
                                             .nullable = is_nullable<T>,
                                             .source_column = column,
                                             .stable = from->stable_text(static_cast<std::size_t>(column)),
                                             .stable_values = from->stable_values(static_cast<std::size_t>(column)),
                                             .name = Field::name}));
        ++column;
    });
    return r;
}

// A bound expression and the slots it reads.
template <class Bound>
struct bound_expression {
    Bound bound;
    std::vector<int> reads;
};
template <class Schema, class E>
auto bind_expression(const relation<Schema>& r, const E& e) {
    std::vector<int> reads;
    binding<Schema> b{r.slot_of, reads};
    auto bound = bind(b, e);
    return bound_expression<decltype(bound)>{bound, std::move(reads)};
}

// Where an expression stands, for errors; both texts are literals.
struct expression_place {
    std::string_view stage;
    std::string_view column{};    // that it is computed for, if any
};

// Runs a loop that evaluates `open` on the selected rows. An error in it is given the row and the place: the rows are evaluated
// again one by one to find it, so that rows without an error pay nothing.
template <class Open, class Loop>
void evaluate_rows(const chunk& c, const Open& open, const expression_place& place, Loop&& loop) {
    try {
        loop();
    } catch (const error& failure) {
        error_details details = failure.details();
        if (details.row) throw;
        c.each([&](std::uint32_t, std::uint32_t row) {
            if (details.row) return;
            try {
                (void)open(row);
            } catch (const error&) {
                details.row = c.first_row + row;
            }
        });
        if (details.stage == "expression") details.stage = place.stage;
        if (details.field.empty()) details.field = place.column;
        throw error(std::move(details));
    }
}

// Computes an expression into a slot. Instantiated per expression form and value types, never per name.
template <class Bound>
class derive_step final : public step {
public:
    derive_step(bound_expression<Bound> e, int out, expression_place place)
        : step(std::move(e.reads), {out}), bound_(std::move(e.bound)), out_(out), place_(place) {}
    std::string_view word() const override { return "derive"; }

    void run(chunk& c, scratch& memory) const override {
        using R = result_t<Bound>;
        using V = known_t<R>;
        const auto open = bound_.open(c);
        slot_view& view = c.slots[static_cast<std::size_t>(out_)];
        view = {};
        std::uint8_t* bits = nullptr;
        if constexpr (can_be_null<R>) {
            bits = memory.validity(out_);
            std::memset(bits, 0, chunk_rows / 8);
            view.validity = bits;
        }
        const auto set_valid = [&](std::uint32_t row, bool known) {
            bits[row >> 3] = static_cast<std::uint8_t>(bits[row >> 3] | (unsigned{known} << (row & 7)));
        };
        if constexpr (std::same_as<V, std::string>) {
            std::vector<std::string>& texts = memory.texts(out_);
            texts.resize(chunk_rows);
            auto* values = memory.values<std::string_view>(out_);
            evaluate_rows(c, open, place_, [&] {
                c.each([&](std::uint32_t, std::uint32_t row) {
                    auto x = open(row);
                    texts[row] = std::move(const_cast<std::string&>(value_in(x)));
                    values[row] = texts[row];
                    if constexpr (can_be_null<R>) set_valid(row, x.known);
                });
            });
            view.values = values;
        } else {
            auto* values = memory.values<V>(out_);
            evaluate_rows(c, open, place_, [&] {
                c.each([&](std::uint32_t, std::uint32_t row) {
                    if constexpr (can_be_null<R>) {
                        const auto x = open(row);
                        values[row] = x.known ? x.value : V{};
                        set_valid(row, x.known);
                    } else {
                        values[row] = open(row);
                    }
                });
            });
            view.values = values;
        }
    }

private:
    Bound bound_;
    int out_;
    expression_place place_;
};

// The slot that holds the expression's values: the column's own, or a computed one.
template <class Schema, class E>
auto materialise(relation<Schema>& r, const E& e, expression_place place) {
    using T = expression_type_t<Schema, E>;
    auto bound = bind_expression(r, e);
    const int out = r.plan.add_slot({.type = type_id_of<T>, .nullable = is_nullable<T>});
    if constexpr (!std::same_as<known_t<result_t<decltype(bound.bound)>>, erroneous>)
        r.plan.add_step(std::make_shared<derive_step<decltype(bound.bound)>>(std::move(bound), out, place));
    return out;
}
template <class Schema, fixed_string Name>
auto materialise(relation<Schema>& r, const col<Name>&, expression_place) {
    if constexpr (!has_column<Schema, Name>) {
        if constexpr (!is_erroneous_schema<Schema>) detail::report(detail::mistake<unknown_column<name<Name>, existing_columns_of<Schema>>>);
        return 0;
    } else {
        return r.template slot<Name>();
    }
}

// The truth of a condition as a plain bool per row: unknown counts as false. What `where` and `filter` mean.
template <class Bound>
class truth_step final : public step {
public:
    truth_step(bound_expression<Bound> e, int out) : step(std::move(e.reads), {out}), bound_(std::move(e.bound)), out_(out) {}
    std::string_view word() const override { return "where"; }
    void run(chunk& c, scratch& memory) const override {
        const auto open = bound_.open(c);
        bool* values = memory.values<bool>(out_);
        evaluate_rows(c, open, {"where"}, [&] {
            c.each([&](std::uint32_t, std::uint32_t row) {
                const auto x = open(row);
                values[row] = is_known(x) && value_in(x);
            });
        });
        c.slots[static_cast<std::size_t>(out_)] = {values};
    }

private:
    Bound bound_;
    int out_;
};

template <class Bound>
inline constexpr bool is_condition = std::same_as<known_t<result_t<Bound>>, bool>;
template <class Bound>
inline constexpr bool is_erroneous = std::same_as<known_t<result_t<Bound>>, erroneous>;

template <class Schema, class E>
auto materialise_truth(relation<Schema>& r, const E& condition) {
    auto bound = bind_expression(r, condition);
    using B = decltype(bound.bound);
    const int out = r.plan.add_slot({.type = type_id::boolean});
    if constexpr (is_condition<B>) r.plan.add_step(std::make_shared<truth_step<B>>(std::move(bound), out));
    else if constexpr (!is_erroneous<B>) detail::report(detail::mistake<condition_is_not_boolean<plain_column_of<known_t<result_t<B>>>>>);
    return out;
}

template <class Bound>
class filter_step final : public step {
public:
    explicit filter_step(bound_expression<Bound> e) : step(std::move(e.reads), {}), bound_(std::move(e.bound)) {}
    std::string_view word() const override { return "filter"; }
    bool changes_rows() const override { return true; }
    void run(chunk& c, scratch&) const override {
        const auto open = bound_.open(c);
        std::uint32_t kept = 0;
        evaluate_rows(c, open, {"filter"}, [&] {
            c.each([&](std::uint32_t, std::uint32_t row) {
                const auto x = open(row);
                c.selection[kept] = static_cast<std::uint16_t>(row);    // overwritten by the next row where this one goes
                kept += std::uint32_t{is_known(x) && value_in(x)};
            });
        });
        c.dense = c.dense && kept == c.rows;
        c.selected = kept;
    }

private:
    Bound bound_;
};

// Keeps the rows for which a condition is true.
template <class Schema, class E>
auto keep_where(relation<Schema> r, const E& condition) {
    auto bound = bind_expression(r, condition);
    using B = decltype(bound.bound);
    if constexpr (is_condition<B>) {
        r.plan.add_step(std::make_shared<filter_step<B>>(std::move(bound)));
        return r;
    } else {
        if constexpr (!is_erroneous<B>) detail::report(detail::mistake<condition_is_not_boolean<plain_column_of<known_t<result_t<B>>>>>);
        return erroneous_rows();
    }
}

}  // namespace detail

}  // namespace SEGKIT_NAMESPACE
