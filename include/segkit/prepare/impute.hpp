// segkit/prepare/impute.hpp: values for the missing ones: the mean, the median or the most frequent of those known, or a constant.
//
//     impute_median(columns("age"_c, "spend"_c))
//     impute_mean("age"_c, "age_known"_c)                    // besides, a column that says where there was a value
//     impute_most_frequent("country"_c), impute_constant("country"_c, "unknown")
//
// The columns are replaced and can no longer be null: mean and median as double, the other two in their own type. A NaN is a missing
// value as a null is; an infinity is refused by the fit, and so is a column without any value. Of equally frequent values the least.
// Mean: one pass. Median and most frequent: the known, respectively the different, values in memory. A constant needs no fit.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <segkit/config.hpp>
#include <segkit/pipeline/fit.hpp>
#include <segkit/pipeline/save.hpp>
#include <segkit/prepare/detail/impute_core.hpp>
#include <segkit/prepare/detail/known_values.hpp>
#include <segkit/prepare/detail/replace_columns.hpp>
#include <segkit/statistics/quantile.hpp>
#include <segkit/statistics/value_counts.hpp>
#include <segkit/table/parse.hpp>

namespace SEGKIT_NAMESPACE {

template <class Name, class Type>
struct block_cannot_be_imputed {
    static_assert(detail::never<Name>, "segkit: a block column has no missing values to impute, and a list cannot be imputed; see 'block_cannot_be_imputed<name, type>'");
};
template <class Name, class Type>
struct imputed_column_is_not_numeric {
    static_assert(detail::never<Name>, "segkit: only a column of numbers or truth values has a mean or median to impute; use impute_most_frequent or "
                                       "impute_constant; see 'imputed_column_is_not_numeric<name, type>'");
};
template <class Name, class Type>
struct constant_is_of_another_type {
    static_assert(detail::never<Name>, "segkit: impute_constant needs a constant of the column's type; see 'constant_is_of_another_type<name, column's type>'");
};

// What stands for the missing values of one column: whole numbers, dates and times as integers, truth values as 0 and 1.
struct imputed_value {
    std::int64_t integer = 0;
    double number = 0;
    std::string text{};

    friend bool operator==(const imputed_value&, const imputed_value&) = default;
    template <class Archive>
    void serialize(Archive& archive) {
        archive.field("integer", integer);
        archive.field("number", number);
        archive.field("text", text);
    }
};

struct impute_report {
    struct column {
        std::string name;
        std::size_t missing = 0;
        std::size_t rows = 0;
        std::string value;    // as text
    };
    std::string stage;
    std::vector<column> columns;
};

namespace detail {

template <class T>
struct is_plain : std::bool_constant<!is_nested<T>> {};
template <class T>
struct is_plain_number : std::bool_constant<is_feature_type<T> && !is_block<T>> {};

template <class T>
using imputed_double = double;

// As an integer and back.
template <class V>
std::int64_t integer_of(const V& value) {
    if constexpr (std::same_as<V, date>) return value.days_since_1970();
    else if constexpr (std::same_as<V, timestamp>) return value.microseconds_since_1970();
    else if constexpr (std::same_as<V, duration>) return value.microseconds;
    else return static_cast<std::int64_t>(value);
}
template <class V>
V value_of_integer(std::int64_t value) {
    if constexpr (std::same_as<V, date>) return date::from_days(static_cast<std::int32_t>(value));
    else if constexpr (std::same_as<V, timestamp>) return timestamp::from_microseconds(value);
    else if constexpr (std::same_as<V, duration>) return duration{value};
    else return static_cast<V>(value);
}
template <class V>
auto imputed_as(const imputed_value& value) {
    if constexpr (is_text<V>) return value.text;
    else if constexpr (std::floating_point<V>) return static_cast<V>(value.number);
    else return value_of_integer<V>(value.integer);
}

// Fills a column of T into one of Out, and says into another where there was a value.
template <class T, class Out>
class fill_step final : public step {
public:
    using in_value = value_t<non_null_t<T>>;
    using out_value = value_t<Out>;
    using held = std::conditional_t<is_text<Out>, std::string, Out>;

    fill_step(std::string_view stage, int from, held fill, int out, int flag)
        : step({from}, flag < 0 ? std::vector<int>{out} : std::vector<int>{out, flag}), stage_(stage), from_(from), fill_(std::move(fill)), out_(out), flag_(flag) {}
    std::string_view word() const override { return stage_; }
    void run(chunk& c, scratch& memory) const override {
        const slot_view& from = c.slots[static_cast<std::size_t>(from_)];
        const auto* values = from.as<in_value>();
        out_value* out = memory.values<out_value>(out_);
        bool* flag = flag_ < 0 ? nullptr : memory.values<bool>(flag_);
        c.each([&](std::uint32_t, std::uint32_t row) {
            bool known = from.valid(row);
            if constexpr (std::floating_point<in_value>) known = known && values[row] == values[row];
            out[row] = known ? static_cast<out_value>(values[row]) : static_cast<out_value>(fill_);
            if (flag) flag[row] = known;
        });
        c.slots[static_cast<std::size_t>(out_)] = {out};
        if (flag) c.slots[static_cast<std::size_t>(flag_)] = {flag};
    }

private:
    std::string_view stage_;    // a literal
    int from_;
    held fill_;
    int out_, flag_;
};

// The columns filled; value(std::type_identity<Out>, i) is what stands for the i-th. A flag column where Flag has a name.
template <template <class> class To, fixed_string Flag, class Schema, class Columns, class Value>
auto fill_columns(relation<Schema> r, Columns columns, const std::vector<feature>& from, std::string_view stage, Value&& value) {
    constexpr bool flagged = !name_of<Flag>.empty();
    if constexpr (flagged && has_column<Schema, Flag>) {
        report(mistake<duplicate_column_name<name<Flag>, existing_columns_of<Schema>>>);
        return erroneous_rows();
    } else {
        const int flag = flagged ? r.plan.add_slot({.type = type_id::boolean}) : -1;
        auto filled = replace_columns<To>(std::move(r), columns, [&]<class T>(std::type_identity<T>, std::size_t i, int out) {
            return std::make_shared<fill_step<T, To<T>>>(stage, from[i].slot, value(std::type_identity<To<T>>{}, i), out, flag);
        });
        if constexpr (flagged) return std::move(filled).template append<Flag, bool>(flag);
        else return filled;
    }
}

// How often each value occurs: as integers, numbers or texts.
struct occurrences {
    value_counts<std::int64_t> integers;
    value_counts<double> numbers;
    value_counts<std::string> texts;

    void merge(const occurrences& other) {
        integers.merge(other.integers);
        numbers.merge(other.numbers);
        texts.merge(other.texts);
    }
};
template <class F>
void with_plain_value(type_id type, F&& f) {
    switch (type) {
        case type_id::text: return f(std::type_identity<std::string_view>{});
        case type_id::date: return f(std::type_identity<date>{});
        case type_id::timestamp: return f(std::type_identity<timestamp>{});
        case type_id::duration: return f(std::type_identity<duration>{});
        default: return with_feature_type(type, std::forward<F>(f));
    }
}
class occurrence_worker final : public morsel_worker {
public:
    occurrence_worker(known_values<occurrences>& state, const feature_context& context) : state_(state), context_(context) {
        state_.columns.resize(context.features.size());
        state_.missing.resize(context.features.size());
    }
    void take(const chunk& c) override {
        state_.rows += c.selected;
        for (std::size_t j = 0; j < context_.features.size(); ++j) {
            const feature& f = context_.features[j];
            const slot_view& from = c.slots[static_cast<std::size_t>(f.slot)];
            occurrences& seen = state_.columns[j];
            with_plain_value(f.type, [&]<class V>(std::type_identity<V>) {
                const V* values = from.as<V>();
                c.each([&](std::uint32_t, std::uint32_t row) {
                    if (!from.valid(row)) {
                        ++state_.missing[j];
                    } else if constexpr (std::floating_point<V>) {
                        const auto value = static_cast<double>(values[row]);
                        if (value != value) ++state_.missing[j];
                        else if (is_finite(value)) seen.numbers.count(value);
                        else throw_not_finite(context_.stage, f, c.first_row + row, value, "a finite number, a NaN or a null");
                    } else if constexpr (std::same_as<V, std::string_view>) {
                        seen.texts.count(values[row]);
                    } else {
                        seen.integers.count(integer_of(values[row]));
                    }
                });
            });
        }
    }

private:
    known_values<occurrences>& state_;
    const feature_context& context_;
};

}  // namespace detail

// The fitted form: replaces the columns, and adds the flag column where it has a name.
template <class Columns, fixed_string Flag, impute_kind Kind>
struct fitted_impute : stage_base {
    static constexpr std::string_view stage_name = Kind == impute_kind::mean     ? "impute_mean"
                                                   : Kind == impute_kind::median ? "impute_median"
                                                                                 : "impute_most_frequent";
    std::vector<imputed_value> values{};    // one per column

    template <class Schema>
    auto bind(relation<Schema> r) const {
        if constexpr (Kind == impute_kind::most_frequent) {
            const auto from = detail::bind_columns<detail::is_plain, block_cannot_be_imputed>(r, Columns{});
            return fill<non_null_t>(std::move(r), from, std::bool_constant<detail::columns_fit<detail::is_plain, Schema, Columns>>{});
        } else {
            const auto from = detail::bind_columns<detail::is_plain_number, imputed_column_is_not_numeric>(r, Columns{});
            return fill<detail::imputed_double>(std::move(r), from, std::bool_constant<detail::columns_fit<detail::is_plain_number, Schema, Columns>>{});
        }
    }

    friend bool operator==(const fitted_impute& a, const fitted_impute& b) { return a.values == b.values; }
    template <class Archive>
    void serialize(Archive& archive) {
        archive.field("values", values);
    }

private:
    template <template <class> class To, class Schema, bool Fits>
    auto fill(relation<Schema> r, const std::vector<detail::feature>& from, std::bool_constant<Fits>) const {
        if constexpr (!Fits) {
            return detail::erroneous_rows();
        } else {
            detail::require_one_model(stage_name, values.size() == from.size());
            return detail::fill_columns<To, Flag>(std::move(r), Columns{}, from, stage_name,
                                                  [&]<class Out>(std::type_identity<Out>, std::size_t i) { return detail::imputed_as<Out>(values[i]); });
        }
    }
};

template <class Columns, fixed_string Flag, impute_kind Kind>
struct impute_stage : stage_base {
    using must_be_fitted = void;
    using model_type = fitted_impute<Columns, Flag, Kind>;
    static constexpr std::string_view stage_name = model_type::stage_name;

    template <class Schema>
    auto fit(const relation<Schema>& rows, executor_ref executor) const {
        stage_fit<model_type, impute_report> result{{}, {std::string(stage_name), {}}};
        const auto add = [&](const detail::feature& column, std::size_t missing, std::size_t n, imputed_value value, std::string shown) {
            result.report.columns.push_back({column.name, missing, n, std::move(shown)});
            result.model.values.push_back(std::move(value));
        };
        if constexpr (Kind == impute_kind::most_frequent) {
            const auto columns = detail::bind_columns<detail::is_plain, block_cannot_be_imputed>(rows, Columns{});
            const auto counts = detail::collect_known_by<detail::occurrences, detail::occurrence_worker>(rows.plan, detail::feature_context{columns, stage_name}, executor);
            for (std::size_t j = 0; j < columns.size(); ++j) {
                detail::require_known(stage_name, columns[j].name, counts.rows, counts.missing[j]);
                const auto& seen = counts.columns[j];
                imputed_value value{seen.integers.mode().value_or(0), seen.numbers.mode().value_or(0), seen.texts.mode().value_or("")};
                std::string shown;
                detail::with_plain_value(columns[j].type, [&]<class V>(std::type_identity<V>) {
                    if constexpr (std::same_as<V, std::string_view>) shown = value.text;
                    else if constexpr (std::floating_point<V>) shown = to_text(value.number);
                    else shown = to_text(detail::value_of_integer<V>(value.integer));
                });
                add(columns[j], counts.missing[j], counts.rows, std::move(value), std::move(shown));
            }
        } else {
            using known_type = std::conditional_t<Kind == impute_kind::mean, detail::known_moments, detail::known_list>;
            const auto columns = detail::bind_columns<detail::is_plain_number, imputed_column_is_not_numeric>(rows, Columns{});
            auto known = detail::collect_known_values<known_type>(rows.plan, columns, stage_name, detail::nan_is::missing, executor);
            for (std::size_t j = 0; j < columns.size(); ++j) {
                detail::require_known(stage_name, columns[j].name, known.rows, known.missing[j]);
                double number = 0;
                if constexpr (Kind == impute_kind::mean) number = detail::mean_to_impute(stage_name, columns[j].name, known.columns[j].all);
                else number = quantile(known.columns[j].all, 0.5);
                add(columns[j], known.missing[j], known.rows, {0, number, {}}, to_text(number));
            }
        }
        return result;
    }
};

// The constant in place of missing values; nothing is learned.
template <class Columns, fixed_string Flag, class V>
struct impute_constant_stage : stage_base {
    static constexpr std::string_view stage_name = "impute_constant";
    V value{};

    template <class Schema>
    auto bind(relation<Schema> r) const {
        const auto from = detail::bind_columns<takes, constant_is_of_another_type>(r, Columns{});
        if constexpr (!detail::columns_fit<takes, Schema, Columns>) {
            return detail::erroneous_rows();
        } else {
            return detail::fill_columns<non_null_t, Flag>(std::move(r), Columns{}, from, stage_name, [&]<class Out>(std::type_identity<Out>, std::size_t) {
                if constexpr (is_text<Out>) return value;
                else if constexpr (is_number<Out>) return in_range<Out>();
                else return static_cast<Out>(value);
            });
        }
    }

    friend bool operator==(const impute_constant_stage& a, const impute_constant_stage& b) { return a.value == b.value; }
    template <class Archive>
    void serialize(Archive& archive) {
        archive.field("value", value);
    }

private:
    template <class Out>
    Out in_range() const {
        using wide = std::conditional_t<std::integral<V> && std::integral<Out>, std::int64_t, double>;
        const auto number = static_cast<wide>(value);    // a NaN is out of range, and so is an infinity
        if (!(number >= static_cast<wide>(std::numeric_limits<Out>::lowest()) && number <= static_cast<wide>(std::numeric_limits<Out>::max())))
            detail::throw_invalid_option(stage_name, "value", to_text(value), "a number that the column's type can hold");
        return static_cast<Out>(value);
    }
    template <class T>
    struct takes : std::bool_constant<[] {
        using U = non_null_t<T>;
        if constexpr (is_nested<T>) return false;
        else if constexpr (std::same_as<V, std::string>) return is_text<U>;
        else if constexpr (std::integral<V> && !std::same_as<V, bool>) return is_number<U>;
        else if constexpr (std::floating_point<V>) return std::floating_point<U>;
        else return std::same_as<U, V>;
    }()> {};
};

namespace detail {

template <class Columns, fixed_string Flag, impute_kind Kind>
struct column_names<fitted_impute<Columns, Flag, Kind>> {
    static void add(std::vector<std::string>& out) {
        column_names<Columns>::add(out);
        if (!name_of<Flag>.empty()) out.push_back(std::string(name_of<Flag>));
    }
};
template <class Columns, fixed_string Flag, class V>
struct column_names<impute_constant_stage<Columns, Flag, V>> : column_names<fitted_impute<Columns, Flag, impute_kind::mean>> {};

template <class Columns, fixed_string Flag, class V>
auto make_impute_constant(const V& value) {
    if constexpr (std::convertible_to<const V&, std::string_view>) return make_pipeline(impute_constant_stage<Columns, Flag, std::string>{{}, std::string(std::string_view(value))});
    else if constexpr (std::integral<V> && !std::same_as<V, bool>) {
        if (!std::in_range<std::int64_t>(value)) throw_invalid_option("impute_constant", "value", std::to_string(value), "a number that 64 bits with a sign can hold");
        return make_pipeline(impute_constant_stage<Columns, Flag, std::int64_t>{{}, static_cast<std::int64_t>(value)});
    }
    else return make_pipeline(impute_constant_stage<Columns, Flag, V>{{}, value});
}

}  // namespace detail

// One column or a list of numbers or truth values.
template <class Columns>
constexpr auto impute_mean(Columns) {
    return make_pipeline(impute_stage<detail::columns_of_t<Columns>, "", impute_kind::mean>{});
}
template <fixed_string Name, fixed_string Flag>
constexpr auto impute_mean(col<Name>, col<Flag>) {
    return make_pipeline(impute_stage<column_list<Name>, Flag, impute_kind::mean>{});
}
template <class Columns>
constexpr auto impute_median(Columns) {
    return make_pipeline(impute_stage<detail::columns_of_t<Columns>, "", impute_kind::median>{});
}
template <fixed_string Name, fixed_string Flag>
constexpr auto impute_median(col<Name>, col<Flag>) {
    return make_pipeline(impute_stage<column_list<Name>, Flag, impute_kind::median>{});
}
// Of any type but blocks and lists.
template <class Columns>
constexpr auto impute_most_frequent(Columns) {
    return make_pipeline(impute_stage<detail::columns_of_t<Columns>, "", impute_kind::most_frequent>{});
}
template <fixed_string Name, fixed_string Flag>
constexpr auto impute_most_frequent(col<Name>, col<Flag>) {
    return make_pipeline(impute_stage<column_list<Name>, Flag, impute_kind::most_frequent>{});
}
template <class Columns, class V>
    requires(!std::is_empty_v<V>)
auto impute_constant(Columns, const V& value) {
    return detail::make_impute_constant<detail::columns_of_t<Columns>, "">(value);
}
template <fixed_string Name, class V, fixed_string Flag>
auto impute_constant(col<Name>, const V& value, col<Flag>) {
    return detail::make_impute_constant<column_list<Name>, Flag>(value);
}

inline stage_summary summarise(const impute_report& report) {
    stage_summary s{.stage = report.stage};
    for (const auto& c : report.columns) s.facts.emplace_back(c.name + " where missing", c.value + ", in " + std::to_string(c.missing) + " of " + std::to_string(c.rows) + " rows");
    return s;
}

}  // namespace SEGKIT_NAMESPACE
