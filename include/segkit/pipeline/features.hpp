// segkit/pipeline/features.hpp: the columns an estimator learns from, as a matrix of doubles.
//
// Numbers and truth values are one feature each, a block column as many as it is wide. Nulls and values that are not
// finite are refused with field and row. Untyped at run time: what follows is not instantiated per schema.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <segkit/config.hpp>
#include <segkit/error.hpp>
#include <segkit/pipeline/estimate.hpp>
#include <segkit/pipeline/relation.hpp>
#include <segkit/table/matrix_view.hpp>

namespace SEGKIT_NAMESPACE {

template <class Name, class Type>
struct feature_is_not_numeric {
    static_assert(detail::never<Name>,
                  "segkit: an estimator's feature must be a number, a truth value or a block of numbers (a list has another length in every row: "
                  "aggregate it to numbers first); see 'feature_is_not_numeric<name, type>'");
};

namespace detail {

template <fixed_string Name>
constexpr column_list<Name> as_columns(col<Name>) {
    return {};
}
template <fixed_string... Names>
constexpr column_list<Names...> as_columns(column_list<Names...> list) {
    return list;
}
template <class Columns>
using columns_of_t = decltype(as_columns(std::declval<Columns>()));

struct feature {
    std::string name;
    int slot;
    type_id type;
    bool nullable;
};

inline bool is_block_feature(const feature& f) { return f.type == type_id::block32 || f.type == type_id::block64; }

template <class T>
inline constexpr bool is_feature_type = is_number<non_null_t<T>> || std::same_as<non_null_t<T>, bool> || is_block<T>;

template <class T>
struct is_feature : std::bool_constant<is_feature_type<T>> {};

template <template <class> class Fits, template <class...> class Wrong, class Schema, fixed_string Name>
void bind_column(const relation<Schema>& r, std::vector<feature>& columns) {
    if constexpr (is_erroneous_schema<Schema>) {
        return;
    } else if constexpr (!has_column<Schema, Name>) {
        detail::report(detail::mistake<unknown_column<name<Name>, existing_columns_of<Schema>>>);
    } else {
        using T = column_type_t<Schema, Name>;
        if constexpr (!Fits<T>::value) detail::report(detail::mistake<Wrong<name<Name>, T>>);
        else columns.push_back({std::string(name_of<Name>), r.template slot<Name>(), slot_type_of<T>, is_nullable<T>});
    }
}

// The columns by name, of types that Fits<T>::value allows; any other is the mistake Wrong<name, type>, a compile error and left out.
template <template <class> class Fits, template <class...> class Wrong, class Schema, fixed_string... Names>
std::vector<feature> bind_columns(const relation<Schema>& r, column_list<Names...>) {
    std::vector<feature> columns;
    (bind_column<Fits, Wrong, Schema, Names>(r, columns), ...);
    return columns;
}
// Whether all columns exist and are of such types.
template <template <class> class Fits, class Schema, fixed_string Name>
inline constexpr bool column_fits = [] {
    if constexpr (has_column<Schema, Name>) return Fits<column_type_t<Schema, Name>>::value;
    else return false;
}();
template <template <class> class Fits, class Schema, class Columns>
inline constexpr bool columns_fit = false;
template <template <class> class Fits, class Schema, fixed_string... Names>
inline constexpr bool columns_fit<Fits, Schema, column_list<Names...>> = (column_fits<Fits, Schema, Names> && ...);

// The features of a relation by name; a mistake is a compile error and left out.
template <class Schema, class Columns>
std::vector<feature> bind_features(const relation<Schema>& r, Columns columns) {
    return bind_columns<is_feature, feature_is_not_numeric>(r, columns);
}
template <class Schema, class Columns>
inline constexpr bool features_fit = columns_fit<is_feature, Schema, Columns>;

inline std::vector<int> slots_of(const std::vector<feature>& features) {
    std::vector<int> slots;
    for (const feature& f : features) slots.push_back(f.slot);
    return slots;
}
inline std::vector<std::string> names_of(const std::vector<feature>& features) {
    std::vector<std::string> names;
    for (const feature& f : features) names.push_back(f.name);
    return names;
}

// Calls f(std::type_identity<V>) for the element type of a feature.
template <class F>
void with_feature_type(type_id type, F&& f) {
    switch (type) {
        case type_id::boolean: return f(std::type_identity<bool>{});
        case type_id::int32: return f(std::type_identity<std::int32_t>{});
        case type_id::int64: return f(std::type_identity<std::int64_t>{});
        case type_id::float32:
        case type_id::block32: return f(std::type_identity<float>{});
        default: return f(std::type_identity<double>{});
    }
}

[[noreturn]] inline void throw_not_finite(std::string_view stage, const feature& f, std::size_t row, double value, const char* expected = "a finite number") {
    throw error({.code = error_code::not_a_number,
                 .stage = std::string(stage),
                 .field = f.name,
                 .row = row,
                 .found = value != value ? "NaN" : value > 0 ? "infinity" : "-infinity",
                 .expected = expected,
                 .advice = "filter or replace these rows first; a division by zero is guarded by null_if_zero"});
}

enum class missing_feature { refuse, as_nan };

// Copies the selected rows of a chunk into a feature-major matrix that is valid until the next read.
class feature_reader {
public:
    feature_reader(const std::vector<feature>& features, std::string_view stage, missing_feature missing = missing_feature::refuse)
        : features_(features), stage_(stage), missing_(missing) {}

    matrix_view<const double> read(const chunk& c) {
        std::size_t width = 0;
        for (const feature& f : features_) width += view(c, f).width;
        values_.resize(width * chunk_rows);
        std::size_t column = 0;
        for (const feature& f : features_) {
            const slot_view& from = view(c, f);
            with_feature_type(f.type, [&]<class V>(std::type_identity<V>) {
                for (std::size_t e = 0; e < from.width; ++e) {
                    const V* values = from.as<V>() + e;
                    double* out = values_.data() + (column + e) * chunk_rows;
                    c.each([&](std::uint32_t k, std::uint32_t row) { out[k] = static_cast<double>(values[row * from.width]); });
                }
            });
            if (missing_ == missing_feature::refuse) check(c, f, from, column);
            else if (f.nullable) blank_nulls(c, from, column);
            column += from.width;
        }
        return {values_.data(), c.selected, width, 1, chunk_rows};
    }

private:
    static const slot_view& view(const chunk& c, const feature& f) { return c.slots[static_cast<std::size_t>(f.slot)]; }

    void check(const chunk& c, const feature& f, const slot_view& from, std::size_t column) const {
        if (f.nullable) c.each([&](std::uint32_t, std::uint32_t row) {
            if (!from.valid(row))
                throw error({.code = error_code::unexpected_null,
                             .stage = std::string(stage_),
                             .field = f.name,
                             .row = c.first_row + row,
                             .found = "a null",
                             .expected = "a number in every row",
                             .advice = "filter these rows, or replace nulls with coalesce first"});
        });
        if (f.type != type_id::float32 && f.type != type_id::float64 && !is_block_feature(f)) return;
        for (std::size_t e = 0; e < from.width; ++e) {
            const double* values = values_.data() + (column + e) * chunk_rows;
            c.each([&](std::uint32_t k, std::uint32_t row) {
                if (!is_finite(values[k])) throw_not_finite(stage_, f, c.first_row + row, values[k]);
            });
        }
    }
    void blank_nulls(const chunk& c, const slot_view& from, std::size_t column) {
        double* out = values_.data() + column * chunk_rows;
        c.each([&](std::uint32_t k, std::uint32_t row) {
            if (!from.valid(row)) out[k] = std::numeric_limits<double>::quiet_NaN();
        });
    }

    const std::vector<feature>& features_;
    std::string_view stage_;
    missing_feature missing_;
    std::vector<double> values_;
};

struct feature_context {
    const std::vector<feature>& features;
    std::string_view stage;
};

// Counts the nulls of one slot, for a message.
struct null_count {
    std::size_t nulls = 0;
};
class null_count_worker final : public morsel_worker {
public:
    null_count_worker(null_count& count, int slot_number) : count_(count), slot_(slot_number) {}
    void take(const chunk& c) override {
        const slot_view& view = c.slots[static_cast<std::size_t>(slot_)];
        c.each([&](std::uint32_t, std::uint32_t row) { count_.nulls += !view.valid(row); });
    }

private:
    null_count& count_;
    int slot_;
};

// Runs `pass`; a null that it refuses is reported with the number of nulls in that column.
template <class F>
auto with_null_counts(const plan& p, const std::vector<feature>& features, executor_ref executor, F&& pass) {
    try {
        return pass();
    } catch (const error& failure) {
        if (failure.code() != error_code::unexpected_null || !p.source()->rescannable()) throw;
        for (const feature& f : features) {
            if (f.name != failure.details().field) continue;
            state_per_morsel<null_count, null_count_worker, int> counts(f.slot);
            p.run({f.slot}, executor, counts);
            std::size_t nulls = 0;
            counts.in_order([&](const null_count& c) { nulls += c.nulls; });
            error_details details = failure.details();
            details.found = std::to_string(nulls) + (nulls == 1 ? " null" : " nulls, the first here");
            throw error(std::move(details));
        }
        throw;
    }
}

template <matrix_estimator E>
class estimate_worker final : public morsel_worker {
public:
    using context = std::pair<const E*, feature_context>;
    estimate_worker(state_of<E>& state, const context& c) : estimator_(*c.first), reader_(c.second.features, c.second.stage), state_(state) { state_ = estimator_.start(); }
    void take(const chunk& c) override { estimator_.update(state_, reader_.read(c)); }

private:
    const E& estimator_;
    feature_reader reader_;
    state_of<E>& state_;
};

// Estimators number their features; where each is a column, errors give its name.
template <class F>
auto with_column_names(const std::vector<feature>& features, F&& f) {
    try {
        return f();
    } catch (const error& failure) {
        const auto& number = failure.details().column;
        if (!number || *number > features.size() || !failure.details().field.starts_with("feature ") || std::any_of(features.begin(), features.end(), is_block_feature)) throw;
        error_details details = failure.details();
        details.field = features[*number - 1].name;
        throw error(std::move(details));
    }
}

// What an estimator learns from the features of a plan's rows, in one pass. `rows` receives their number.
template <matrix_estimator E>
auto estimate_features(const E& estimator, const plan& p, const std::vector<feature>& features, std::string_view stage, executor_ref executor) {
    const auto learn = [&] {
        state_per_morsel<state_of<E>, estimate_worker<E>, typename estimate_worker<E>::context> states({&estimator, {features, stage}});
        p.run(slots_of(features), executor, states);
        auto merged = estimator.start();
        states.in_order([&](const state_of<E>& s) { estimator.merge(merged, s); });
        return estimator.finish(merged);
    };
    return with_column_names(features, [&] { return with_null_counts(p, features, executor, learn); });
}

class width_worker final : public morsel_worker {
public:
    width_worker(std::vector<std::size_t>& widths, const std::vector<int>& slots) : widths_(widths), slots_(slots) {}
    void take(const chunk& c) override {
        if (widths_.empty())
            for (const int s : slots_) widths_.push_back(c.slots[static_cast<std::size_t>(s)].width);
    }

private:
    std::vector<std::size_t>& widths_;
    std::vector<int> slots_;
};
// How many features each column is, which of a block only its rows say. A pass; nothing where there are no rows.
template <class Plan>
std::vector<std::size_t> feature_widths(const Plan& p, const std::vector<feature>& features, executor_ref executor) {
    state_per_morsel<std::vector<std::size_t>, width_worker, std::vector<int>> parts(slots_of(features));
    p.run(slots_of(features), executor, parts);
    std::vector<std::size_t> widths;
    parts.in_order([&](const std::vector<std::size_t>& part) {
        if (widths.empty()) widths = part;
    });
    return widths;
}

// The features of all rows in memory, rows one after the other: what several passes need.
struct feature_matrix {
    std::vector<double> values;
    std::size_t rows = 0;
    std::size_t width = 0;
    std::vector<std::size_t> widths{};    // how many values each feature is: 1, or as many as a block is wide

    matrix_view<const double> view() const { return row_major(values.data(), rows, width); }
};
class feature_matrix_worker final : public morsel_worker {
public:
    feature_matrix_worker(feature_matrix& part, const feature_context& c) : features_(c.features), reader_(c.features, c.stage), part_(part) {}
    void take(const chunk& c) override {
        const matrix_view<const double> m = reader_.read(c);
        if (part_.rows == 0)
            for (const feature& f : features_) part_.widths.push_back(c.slots[static_cast<std::size_t>(f.slot)].width);
        part_.width = m.columns;
        part_.rows += m.rows;
        const std::size_t at = part_.values.size();
        part_.values.resize(at + m.rows * m.columns);
        double* out = part_.values.data() + at;
        for (std::size_t i = 0; i < m.rows; ++i)
            for (std::size_t j = 0; j < m.columns; ++j) *out++ = m(i, j);
    }

private:
    const std::vector<feature>& features_;
    feature_reader reader_;
    feature_matrix& part_;
};
// The names of the values of a row: those of a block are numbered, "pc 1", "pc 2".
inline std::vector<std::string> names_of_values(const std::vector<feature>& features, const feature_matrix& matrix) {
    std::vector<std::string> names;
    for (std::size_t f = 0; f < matrix.widths.size(); ++f)
        for (std::size_t e = 0; e < matrix.widths[f]; ++e) names.push_back(is_block_feature(features[f]) ? features[f].name + " " + std::to_string(e + 1) : features[f].name);
    return names;
}
template <class Plan>    // a template only so that who includes this header and fits nothing does not compile it
feature_matrix collect_features(const Plan& p, const std::vector<feature>& features, std::string_view stage, executor_ref executor) {
    return with_null_counts(p, features, executor, [&] {
        state_per_morsel<feature_matrix, feature_matrix_worker, feature_context> parts({features, stage});
        p.run(slots_of(features), executor, parts);
        feature_matrix all;
        parts.in_order([&](feature_matrix& part) {
            if (part.rows == 0) return;
            if (all.rows == 0) {
                all = std::move(part);
                return;
            }
            all.values.insert(all.values.end(), part.values.begin(), part.values.end());
            all.rows += part.rows;
        });
        return all;
    });
}

// The names in a stage's type, as files have them: pipeline/save.hpp. Stages whose names it does not find specialise it.
template <class T>
struct column_names;

// A column that a stage adds; none where the name is empty.
template <fixed_string Name, class T>
struct added_column {};
template <class... Added>
struct added_columns {};

template <class Schema>
relation<Schema> append_slots(relation<Schema> r, const int*, added_columns<>) {
    return r;
}
template <class Schema, fixed_string Name, class T, class... More>
auto append_slots(relation<Schema> r, const int* slots, added_columns<added_column<Name, T>, More...>) {
    if constexpr (name_of<Name>.empty()) {
        return append_slots(std::move(r), slots + 1, added_columns<More...>{});
    } else if constexpr (has_column<Schema, Name>) {
        report(mistake<duplicate_column_name<name<Name>, existing_columns_of<Schema>>>);
        return erroneous_rows();
    } else {
        return append_slots(std::move(r).template append<Name, T>(*slots), slots + 1, added_columns<More...>{});
    }
}

// Of the slots of added columns those that exist: a column without a name has the slot -1.
inline std::vector<int> named_slots(const std::vector<int>& slots) {
    std::vector<int> named;
    for (const int slot : slots)
        if (slot >= 0) named.push_back(slot);
    return named;
}
// Writes values of the selected rows, `width` each and one row after the other, to a slot of the chunk. Nothing of it is null.
template <class V>
void write_values(chunk& c, scratch& memory, int slot, const std::vector<V>& values, std::size_t width = 1) {
    V* out = memory.values<V>(slot, width);
    c.each([&](std::uint32_t k, std::uint32_t row) { std::copy_n(values.data() + k * width, width, out + row * width); });
    c.slots[static_cast<std::size_t>(slot)] = {out, all_valid_bits.data(), width};
}

// More columns, computed from features by the step that make_step(features, slots) makes; the slot of a column without a name is -1.
template <class Columns, class Schema, fixed_string... Out, class... T, class MakeStep>
auto append_from_features(relation<Schema> r, added_columns<added_column<Out, T>...> added, MakeStep&& make_step) {
    if constexpr (!features_fit<Schema, Columns>) {
        (void)bind_features(r, Columns{});    // says what is wrong
        return erroneous_rows();
    } else {
        auto features = bind_features(r, Columns{});
        const std::vector<int> out{(name_of<Out>.empty() ? -1 : r.plan.add_slot({.type = type_id_of<T>}))...};
        r.plan.add_step(make_step(std::move(features), out));
        return append_slots(std::move(r), out.data(), added);
    }
}
// One.
template <fixed_string Out, class T, class Columns, class Schema, class MakeStep>
auto append_from_features(relation<Schema> r, MakeStep&& make_step) {
    return append_from_features<Columns>(std::move(r), added_columns<added_column<Out, T>>{},
                                         [&](std::vector<feature> features, const std::vector<int>& out) { return make_step(std::move(features), out[0]); });
}

}  // namespace detail

}  // namespace SEGKIT_NAMESPACE
