// segkit/prepare/detail/known_values.hpp: what a stage learns of the values that are there, column by column, where others are missing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <segkit/config.hpp>
#include <segkit/pipeline/features.hpp>
#include <segkit/statistics/moments.hpp>

namespace SEGKIT_NAMESPACE::detail {

enum class nan_is { refused, missing };

struct known_moments {
    moments all;
    void add(double value) { all.update(value); }
    void merge(known_moments& other) { all.merge(other.all); }
};
// In row order.
struct known_list {
    std::vector<double> all;
    void add(double value) { all.push_back(value); }
    void merge(known_list& other) {
        all.insert(all.end(), other.all.begin(), other.all.end());
        other.all = {};
    }
};

template <class Column>
struct known_values {
    std::vector<Column> columns{};
    std::vector<std::size_t> missing{};    // nulls, and NaNs where these are missing values
    std::size_t rows = 0;
};

struct known_context {
    const std::vector<feature>& features;
    std::string_view stage;
    nan_is nan;
};

template <class Column>
class known_worker final : public morsel_worker {
public:
    known_worker(known_values<Column>& known, const known_context& context) : known_(known), context_(context) {
        known_.columns.resize(context.features.size());
        known_.missing.resize(context.features.size());
    }
    void take(const chunk& c) override {
        known_.rows += c.selected;
        for (std::size_t j = 0; j < context_.features.size(); ++j) {
            const feature& f = context_.features[j];
            const slot_view& from = c.slots[static_cast<std::size_t>(f.slot)];
            with_feature_type(f.type, [&]<class V>(std::type_identity<V>) {
                const V* values = from.as<V>();
                c.each([&](std::uint32_t, std::uint32_t row) {
                    const auto value = static_cast<double>(values[row]);
                    if (!from.valid(row) || (value != value && context_.nan == nan_is::missing)) ++known_.missing[j];
                    else if (is_finite(value)) known_.columns[j].add(value);
                    else throw_not_finite(context_.stage, f, c.first_row + row, value, "a finite number or a null");
                });
            });
        }
    }

private:
    known_values<Column>& known_;
    const known_context& context_;
};

// One pass of workers that each learn of their own rows.
template <class Column, class Worker, class Context, class Plan>
known_values<Column> collect_known_by(const Plan& p, const Context& context, executor_ref executor) {
    state_per_morsel<known_values<Column>, Worker, Context> parts(context);
    p.run(slots_of(context.features), executor, parts);
    known_values<Column> all{std::vector<Column>(context.features.size()), std::vector<std::size_t>(context.features.size())};
    parts.in_order([&](known_values<Column>& part) {
        all.rows += part.rows;
        for (std::size_t j = 0; j < part.columns.size(); ++j) {
            all.columns[j].merge(part.columns[j]);
            all.missing[j] += part.missing[j];
        }
    });
    return all;
}
template <class Column, class Plan>
known_values<Column> collect_known_values(const Plan& p, const std::vector<feature>& features, std::string_view stage, nan_is nan, executor_ref executor) {
    return collect_known_by<Column, known_worker<Column>>(p, known_context{features, stage, nan}, executor);
}

}  // namespace SEGKIT_NAMESPACE::detail
