// segkit/pipeline/collect.hpp: runs a query and keeps its rows as a table.
//
//     auto t = sessions | filter("clicks"_c > 3) | collect();              // in the calling thread
//     auto u = sessions | filter("clicks"_c > 3) | collect(threads(4));    // the same table, bit for bit
//
// Cost: one pass over the source, and the memory of the result.
#pragma once

#include <utility>
#include <vector>

#include <segkit/config.hpp>
#include <segkit/error.hpp>
#include <segkit/exec/executor.hpp>
#include <segkit/pipeline/pipeline.hpp>

namespace SEGKIT_NAMESPACE {

namespace detail {

// Appends the selected values of one slot to a stored column.
template <class V>
void append_slot_values(column_data& column, const chunk& c, const slot_view& view) {
    const V* values = view.as<V>();
    if (column.nullable) {
        c.each([&](std::uint32_t, std::uint32_t row) {
            if (view.valid(row)) column.append_value(values[row]);
            else column.append_null();
        });
    } else {
        c.each([&](std::uint32_t, std::uint32_t row) { column.append_value(values[row]); });
    }
}
template <class Column>
void append_slot(Column& column, const chunk& c, const slot_view& view) {
    switch (column.type) {
        case type_id::boolean: return append_slot_values<bool>(column, c, view);
        case type_id::int32: return append_slot_values<std::int32_t>(column, c, view);
        case type_id::int64: return append_slot_values<std::int64_t>(column, c, view);
        case type_id::float32: return append_slot_values<float>(column, c, view);
        case type_id::float64: return append_slot_values<double>(column, c, view);
        case type_id::text: return append_slot_values<std::string_view>(column, c, view);
        case type_id::date: return append_slot_values<date>(column, c, view);
        case type_id::timestamp: return append_slot_values<timestamp>(column, c, view);
        case type_id::duration: return append_slot_values<duration>(column, c, view);
        case type_id::block32:
            return c.each([&](std::uint32_t, std::uint32_t row) { column.append_block(view.as<float>() + row * view.width, view.width); });
        case type_id::block64:
            return c.each([&](std::uint32_t, std::uint32_t row) { column.append_block(view.as<double>() + row * view.width, view.width); });
    }
}

struct collect_context {
    const segkit::plan& plan;
    const std::vector<int>& outputs;
};

template <class Rows>
class collect_worker final : public morsel_worker {
public:
    collect_worker(Rows& rows, const collect_context& context) : rows_(rows), context_(context) {
        for (const int s : context.outputs) rows_.columns.emplace_back(context.plan.at(s).type, context.plan.at(s).nullable);
    }
    void take(const chunk& c) override {
        for (std::size_t i = 0; i < context_.outputs.size(); ++i)
            append_slot(rows_.columns[i], c, c.slots[static_cast<std::size_t>(context_.outputs[i])]);
        rows_.rows += c.selected;
    }

private:
    Rows& rows_;
    const collect_context& context_;
};

// The rows of some slots of a plan, in row order.
template <class Plan>
table_data collect_rows(const Plan& p, const std::vector<int>& outputs, executor_ref executor) {
    state_per_morsel<table_data, collect_worker<table_data>, collect_context> parts({p, outputs});
    p.run(outputs, executor, parts);
    table_data all;
    for (const int s : outputs) all.columns.emplace_back(p.at(s).type, p.at(s).nullable);
    bool first = true;
    parts.in_order([&](table_data& part) {
        if (std::exchange(first, false)) {
            all = std::move(part);
            return;
        }
        for (std::size_t i = 0; i < all.columns.size(); ++i) {
            all.columns[i].append_column(part.columns[i]);
            part.columns[i] = column_data();
        }
        all.rows += part.rows;
    });
    return all;
}

template <class Executor>
struct collect_request {
    const Executor& executor;
};
template <class Executor>
struct try_collect_request {
    const Executor& executor;
};

}  // namespace detail

// Ends a query: `query | collect()` is a table. The executor is used within the same expression only.
template <executor Executor = serial>
auto collect(const Executor& executor = detail::default_executor) {
    return detail::collect_request<Executor>{executor};
}

// The same without an exception for wrong data: `query | try_collect()` is a result<table>.
template <executor Executor = serial>
auto try_collect(const Executor& executor = detail::default_executor) {
    return detail::try_collect_request<Executor>{executor};
}

template <class T, class Executor>
    requires row_input<std::remove_cvref_t<T>>
auto operator|(T&& input, const detail::collect_request<Executor>& request) {
    const auto r = detail::as_query(std::forward<T>(input)).bind();
    using Schema = typename std::remove_cvref_t<decltype(r)>::schema_type;
    return table<Schema>(detail::collect_rows(r.plan, r.slot_of, request.executor));
}

template <class T, class Executor>
    requires row_input<std::remove_cvref_t<T>>
auto operator|(T&& input, const detail::try_collect_request<Executor>& request) {
    return try_call([&] { return std::forward<T>(input) | detail::collect_request<Executor>{request.executor}; });
}

}  // namespace SEGKIT_NAMESPACE
