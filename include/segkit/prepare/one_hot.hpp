// segkit/prepare/one_hot.hpp: categories as a block of zeros and ones, one element per category, for what needs numbers.
//
//     one_hot("country"_c, "country_is"_c)
//     one_hot(columns("country"_c, "device"_c), "is"_c, {.unknown = unknown_category::ignore})
//
// Adds a block column: the categories of the first column in ascending order, then those of the next. The model knows them by name.
// Columns are text, truth values or whole numbers. A value that the fit has not seen is an error with field, row and value, or zeros.
// A null is refused by the fit, and later treated as an unknown value. inverse(model) of one column gives the category of the
// largest element back, as text. Fit: one pass, the different values in memory; 8 bytes a row and category while applied.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <segkit/config.hpp>
#include <segkit/pipeline/fit.hpp>
#include <segkit/prepare/detail/categories.hpp>
#include <segkit/prepare/detail/one_hot_core.hpp>
#include <segkit/prepare/detail/replace_columns.hpp>
#include <segkit/prepare/ordinal.hpp>

namespace SEGKIT_NAMESPACE {

struct one_hot_options {
    std::vector<std::string> categories = {};    // in order, for every column; none: the values found, ascending, texts by bytes
    unknown_category unknown = unknown_category::error;
    std::size_t max_categories = 1'000;          // per column
};

namespace detail {

class one_hot_step final : public step {
public:
    one_hot_step(std::vector<feature> columns, std::vector<category_list> categories, unknown_category unknown, int out)
        : step(slots_of(columns), {out}), columns_(std::move(columns)), categories_(std::move(categories)), unknown_(unknown), out_(out) {
        for (const category_list& list : categories_) {
            index_.emplace_back(list);
            width_ += list.size();
        }
    }
    std::string_view word() const override { return "one_hot"; }
    void run(chunk& c, scratch& memory) const override {
        double* out = memory.values<double>(out_, width_);
        std::fill_n(out, c.rows * width_, 0.0);
        std::size_t first = 0;
        for (std::size_t j = 0; j < columns_.size(); ++j) {
            const feature& f = columns_[j];
            const slot_view& from = c.slots[static_cast<std::size_t>(f.slot)];
            with_category_value(f.type, [&]<class V>(std::type_identity<V>) {
                const V* values = from.as<V>();
                c.each([&](std::uint32_t, std::uint32_t row) {
                    const std::int32_t code = from.valid(row) ? index_[j].code(values[row]) : -1;
                    if (code >= 0) {
                        out[row * width_ + first + static_cast<std::size_t>(code)] = 1;
                    } else if (unknown_ == unknown_category::error) {
                        if (!from.valid(row)) refuse_null_category("one_hot", f, c.first_row + row);
                        refuse_category("one_hot", f, c.first_row + row, values[row], categories_[j]);
                    }
                });
            });
            first += categories_[j].size();
        }
        c.slots[static_cast<std::size_t>(out_)] = {out, all_valid_bits.data(), width_};
    }

private:
    std::vector<feature> columns_;
    std::vector<category_list> categories_;
    std::vector<category_index> index_;
    unknown_category unknown_;
    int out_;
    std::size_t width_ = 0;
};

// The number of the largest element above zero, -1 where there is none.
class largest_step final : public step {
public:
    largest_step(feature from, std::size_t width, int out) : step({from.slot}, {out}), from_(std::move(from)), width_(width), out_(out) {}
    std::string_view word() const override { return "inverse"; }
    void run(chunk& c, scratch& memory) const override {
        const slot_view& from = c.slots[static_cast<std::size_t>(from_.slot)];
        require_width("inverse", from.width, width_);
        auto* out = memory.values<std::int32_t>(out_);
        const auto* values = from.as<double>();
        c.each([&](std::uint32_t, std::uint32_t row) {
            const double *const begin = values + row * width_, *const largest = std::max_element(begin, begin + width_);
            out[row] = *largest > 0 ? static_cast<std::int32_t>(largest - begin) : -1;
        });
        c.slots[static_cast<std::size_t>(out_)] = {out};
    }

private:
    feature from_;
    std::size_t width_;
    int out_;
};

template <class T>
struct is_double_block : std::bool_constant<std::same_as<T, block<double>>> {};

}  // namespace detail

template <class Name, class Type>
struct inverse_of_one_hot_needs_its_block {
    static_assert(detail::never<Name>, "segkit: the inverse of one_hot takes the block column that it made; see 'inverse_of_one_hot_needs_its_block<name, type>'");
};

namespace detail {
// Of several columns there is no telling which element is whose to give back.
template <class Columns>
inline constexpr bool is_one_column = false;
template <fixed_string Name>
inline constexpr bool is_one_column<column_list<Name>> = true;
}  // namespace detail

// The fitted form: adds the block column.
template <class Columns, fixed_string Out>
struct fitted_one_hot : stage_base {
    static constexpr std::string_view stage_name = "one_hot";
    using has_inverse = std::bool_constant<detail::is_one_column<Columns>>;
    std::vector<category_list> categories{};    // one per column
    bool refuses_unknown = true;

    template <class Schema>
    auto bind(relation<Schema> r) const {
        auto columns = detail::bind_columns<detail::has_categories, column_has_no_categories>(r, Columns{});
        if constexpr (!detail::columns_fit<detail::has_categories, Schema, Columns>) {
            return detail::erroneous_rows();
        } else if constexpr (has_column<Schema, Out>) {
            detail::report(detail::mistake<duplicate_column_name<name<Out>, existing_columns_of<Schema>>>);
            return detail::erroneous_rows();
        } else {
            detail::require_categories(stage_name, categories, columns);
            const int out = r.plan.add_slot({.type = type_id::block64});
            r.plan.add_step(std::make_shared<detail::one_hot_step>(std::move(columns), categories, refuses_unknown ? unknown_category::error : unknown_category::ignore, out));
            return std::move(r).template append<Out, block<double>>(out);
        }
    }
    // The block of one column becomes the category, as text.
    template <class Schema>
    auto bind_inverse(relation<Schema> r) const {
        const auto block_column = detail::bind_columns<detail::is_double_block, inverse_of_one_hot_needs_its_block>(r, column_list<Out>{});
        if constexpr (!detail::columns_fit<detail::is_double_block, Schema, column_list<Out>>) {
            return detail::erroneous_rows();
        } else {
            detail::require_one_model(stage_name, categories.size() == 1 && categories[0].size() > 0 && categories[0].is_whole());
            const int codes = r.plan.add_slot({.type = type_id::int32});
            r.plan.add_step(std::make_shared<detail::largest_step>(block_column[0], categories[0].size(), codes));
            return detail::replace_columns<detail::label_type>(std::move(r), column_list<Out>{}, [&](auto, std::size_t, int out) {
                return std::make_shared<detail::label_step>(detail::feature{block_column[0].name, codes, type_id::int32, false}, categories[0], out);
            });
        }
    }

    friend bool operator==(const fitted_one_hot& a, const fitted_one_hot& b) { return a.categories == b.categories && a.refuses_unknown == b.refuses_unknown; }
    template <class Archive>
    void serialize(Archive& archive) {
        archive.field("categories", categories);
        archive.field("refuses_unknown", refuses_unknown);
    }
};

template <class Columns, fixed_string Out>
struct one_hot_stage : stage_base {
    static constexpr std::string_view stage_name = "one_hot";
    using must_be_fitted = void;
    using model_type = fitted_one_hot<Columns, Out>;
    one_hot_options options;

    template <class Schema>
    auto fit(const relation<Schema>& rows, executor_ref executor) const {
        const auto columns = detail::bind_columns<detail::has_categories, column_has_no_categories>(rows, Columns{});
        auto report = detail::learn_categories(rows.plan, columns, {options.unknown, options.categories, options.max_categories}, stage_name, executor);
        return stage_fit<model_type, category_report>{{{}, report.categories, options.unknown == unknown_category::error}, std::move(report)};
    }
};

// One column or a list.
template <class Columns, fixed_string Out>
auto one_hot(Columns, col<Out>, one_hot_options options = {}) {
    return make_pipeline(one_hot_stage<detail::columns_of_t<Columns>, Out>{{}, std::move(options)});
}

}  // namespace SEGKIT_NAMESPACE
