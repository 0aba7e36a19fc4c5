// segkit/query/concat.hpp: the rows of several tables, sources or queries, one after the other, as one source.
//
//     concat(january, scan_csv<sales>("february.csv"), march | filter("paid"_c > 0.0)) | group_by("shop"_c).aggregate(...)
//
// All must have the columns of the first, by name and in any order; the result has the order of the first. A column is nullable
// where it is in any of them; other differences are a compile error that lists them. Rows stream, nothing is held.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <segkit/config.hpp>
#include <segkit/error.hpp>
#include <segkit/pipeline/pipeline.hpp>

namespace SEGKIT_NAMESPACE {

// What the message below lists.
template <std::size_t Number>
struct input_number {};
template <class... Fields>
struct columns_it_lacks {};
template <class... Fields>
struct columns_the_first_lacks {};
template <class... Fields>
struct columns_of_another_type {};

template <class Number, class Lacking, class Added, class Retyped>
struct concat_of_different_columns {
    static_assert(detail::never<Number>,
                  "segkit: the rows to put one after the other must have the same columns; see 'concat_of_different_columns<input_number<counted from "
                  "1>, columns_it_lacks<...>, columns_the_first_lacks<...>, columns_of_another_type<...>>' for how they differ from the first; select, "
                  "rename, derive or replace columns before");
};

namespace detail {

template <class... T>
struct type_list {};
template <class... Lists>
struct joined_lists;
template <class... A, class... B, class... More>
struct joined_lists<type_list<A...>, type_list<B...>, More...> : joined_lists<type_list<A..., B...>, More...> {};
template <class... A>
struct joined_lists<type_list<A...>> {
    using type = type_list<A...>;
};
template <template <class...> class To, class List>
struct list_as;
template <template <class...> class To, class... T>
struct list_as<To, type_list<T...>> {
    using type = To<T...>;
};

// One field of the first input and another input.
template <class Field, class Schema>
struct field_elsewhere;
template <fixed_string Name, class T, class Schema>
struct field_elsewhere<field<Name, T>, Schema> {
    static constexpr bool exists = has_column<Schema, Name>;
    static constexpr auto type_there() {
        if constexpr (exists) return std::type_identity<column_type_t<Schema, Name>>{};
        else return std::type_identity<T>{};
    }
    using there = typename decltype(type_there())::type;
    using lacking = std::conditional_t<exists, type_list<>, type_list<field<Name, T>>>;
    using retyped = std::conditional_t<holds_same_values<T, there>, type_list<>, type_list<field<Name, there>>>;
    // The field with the nulls of both; of a category and a text it is a text.
    using plain = std::conditional_t<std::same_as<non_null_t<T>, non_null_t<there>> || !is_text<non_null_t<T>>, non_null_t<T>, text>;
    using common = field<Name, std::conditional_t<is_nullable<there> || is_nullable<T>, std::optional<plain>, plain>>;
};

template <class First, class Other>
struct schema_difference;
template <class... Fields, class... Others>
struct schema_difference<schema<Fields...>, schema<Others...>> {
    using other = schema<Others...>;
    using lacking = typename joined_lists<type_list<>, typename field_elsewhere<Fields, other>::lacking...>::type;
    using added = typename joined_lists<type_list<>, typename field_elsewhere<Others, schema<Fields...>>::lacking...>::type;
    using retyped = typename joined_lists<type_list<>, typename field_elsewhere<Fields, other>::retyped...>::type;
    static constexpr bool none = std::same_as<lacking, type_list<>> && std::same_as<added, type_list<>> && std::same_as<retyped, type_list<>>;
    using common = schema<typename field_elsewhere<Fields, other>::common...>;
};

// The schema of all inputs, First being that of those before.
template <std::size_t Number, class First, class... More>
struct concat_schema {
    using type = First;
};
template <std::size_t Number, class First, class Next, class... More>
struct concat_schema<Number, First, Next, More...> {
    static constexpr auto find() {
        if constexpr (is_erroneous_schema<First> || is_erroneous_schema<Next>) {
            return std::type_identity<erroneous_schema>{};    // which has been reported
        } else {
            using difference = schema_difference<First, Next>;
            if constexpr (difference::none) return std::type_identity<typename concat_schema<Number + 1, typename difference::common, More...>::type>{};
            else return std::type_identity<erroneous_schema>{};
        }
    }
    using type = typename decltype(find())::type;
};
template <std::size_t Number, class First>
constexpr auto report_difference() {}
template <std::size_t Number, class First, class Next, class... More>
constexpr auto report_difference() {
    if constexpr (!is_erroneous_schema<First> && !is_erroneous_schema<Next>) {
        using difference = schema_difference<First, Next>;
        if constexpr (!difference::none)
            detail::report(detail::mistake<concat_of_different_columns<input_number<Number>, typename list_as<columns_it_lacks, typename difference::lacking>::type,
                                                                       typename list_as<columns_the_first_lacks, typename difference::added>::type,
                                                                       typename list_as<columns_of_another_type, typename difference::retyped>::type>>);
        else return report_difference<Number + 1, typename difference::common, More...>();
    }
}

// The inputs at run time.
struct concat_input {
    plan rows{};
    std::vector<int> slots{};    // in the order of the first input's columns
};

// (A template only so that it is compiled where it is used.)
template <class Input>
class concat_rows final : public row_source {
public:
    concat_rows(std::vector<Input> inputs, std::vector<type_id> types) : inputs_(std::move(inputs)), types_(std::move(types)) {}

    void scan(const std::vector<bool>& needed, executor_ref executor, morsel_consumer& consumer) override {
        progress so_far{std::vector<std::size_t>(types_.size(), unknown)};
        for (const Input& input : inputs_) {
            passing through(*this, input, needed, so_far, consumer);
            input.rows.run(needed_slots(input.slots, needed), executor, through);
            so_far.morsels = so_far.next_morsel;
            so_far.rows = so_far.next_row;
        }
    }
    std::string describe() const override {
        std::string all = "concat of ";
        for (const Input& input : inputs_) all += (&input == inputs_.data() ? "" : ", ") + input.rows.source()->describe();
        return all;
    }
    std::vector<pass_input> inputs(const std::vector<bool>& needed) const override {
        std::vector<pass_input> all;
        for (const Input& input : inputs_) all.push_back({&input.rows, needed_slots(input.slots, needed), "concat, which streams them"});
        return all;
    }
    bool rescannable() const override {
        bool all = true;
        for (const Input& input : inputs_) all = all && input.rows.source()->rescannable();
        return all;
    }
    bool stable_text(std::size_t column) const override {
        bool all = true;
        for (const Input& input : inputs_) all = all && input.rows.at(input.slots[column]).stable;
        return all;
    }

private:
    static constexpr auto unknown = static_cast<std::size_t>(-1);

    // What the inputs before have left: inputs are read one after the other, the morsels of one side by side.
    struct progress {
        std::vector<std::size_t> widths;    // of block columns
        std::size_t morsels = 0, next_morsel = 0;
        std::uint64_t rows = 0, next_row = 0;
        std::mutex lock{};
    };

    class worker final : public morsel_worker {
    public:
        worker(const concat_rows& all, const Input& input, const std::vector<bool>& needed, progress& so_far, std::unique_ptr<morsel_worker> next)
            : all_(all), input_(input), needed_(needed), so_far_(so_far), next_(std::move(next)), selection_(new std::uint16_t[chunk_rows]) {
            chunk_.slots.resize(input.slots.size());
        }
        void take(const chunk& c) override {
            chunk_.rows = c.rows;
            chunk_.selected = c.selected;
            chunk_.dense = c.dense;
            chunk_.first_row = so_far_.rows + c.first_row;
            end_ = end_ < chunk_.first_row + c.rows ? chunk_.first_row + c.rows : end_;
            chunk_.selection = selection_.get();
            if (!c.dense)
                for (std::uint32_t k = 0; k < c.selected; ++k) chunk_.selection[k] = c.selection[k];
            for (std::size_t i = 0; i < input_.slots.size() && i < needed_.size(); ++i) {
                if (!needed_[i]) continue;
                chunk_.slots[i] = c.slots[static_cast<std::size_t>(input_.slots[i])];
                if (all_.types_[i] == type_id::block32 || all_.types_[i] == type_id::block64) require_width(i, chunk_.slots[i].width);
            }
            next_->take(chunk_);
        }
        void finish() override {
            {
                const std::lock_guard hold(so_far_.lock);
                so_far_.next_row = so_far_.next_row < end_ ? end_ : so_far_.next_row;
            }
            next_->finish();
        }

    private:
        void require_width(std::size_t column, std::size_t width) {
            const std::lock_guard hold(so_far_.lock);
            std::size_t& known = so_far_.widths[column];
            if (known == unknown) known = width;
            if (known == width) return;
            throw error({.code = error_code::malformed_row,
                         .stage = "concat",
                         .row = chunk_.first_row,
                         .found = "a block of " + std::to_string(width) + " values, from " + input_.rows.source()->describe(),
                         .expected = std::to_string(known) + ", the width of the rows before",
                         .advice = "a block column has one width"});
        }

        const concat_rows& all_;
        const Input& input_;
        const std::vector<bool>& needed_;
        progress& so_far_;
        std::unique_ptr<morsel_worker> next_;
        std::unique_ptr<std::uint16_t[]> selection_;
        chunk chunk_;
        std::uint64_t end_ = 0;
    };

    class passing final : public morsel_consumer {
    public:
        passing(const concat_rows& all, const Input& input, const std::vector<bool>& needed, progress& so_far, morsel_consumer& next)
            : all_(all), input_(input), needed_(needed), so_far_(so_far), next_(next) {}
        std::unique_ptr<morsel_worker> start(std::size_t morsel) override {
            const std::size_t number = so_far_.morsels + morsel;
            {
                const std::lock_guard hold(so_far_.lock);
                so_far_.next_morsel = so_far_.next_morsel < number + 1 ? number + 1 : so_far_.next_morsel;
            }
            return std::make_unique<worker>(all_, input_, needed_, so_far_, next_.start(number));
        }

    private:
        const concat_rows& all_;
        const Input& input_;
        const std::vector<bool>& needed_;
        progress& so_far_;
        morsel_consumer& next_;
    };

    std::vector<Input> inputs_;
    std::vector<type_id> types_;
};

}  // namespace detail

// A source (pipeline/source.hpp) over the rows of several queries.
template <class... Queries>
struct concat_source {
    using schema_type = typename detail::concat_schema<2, typename detail::relation_of<Queries>::schema_type...>::type;
    detail::pack<Queries...> inputs;

    std::shared_ptr<row_source> open() const {
        if constexpr (detail::is_erroneous_schema<schema_type>) return nullptr;
        else return open_all(static_cast<schema_type*>(nullptr));
    }

private:
    template <fixed_string... Names, class... Types>
    std::shared_ptr<row_source> open_all(schema<field<Names, Types>...>*) const {
        std::vector<detail::concat_input> all;
        detail::for_each(inputs, [&](const auto& q) {
            auto r = q.bind();
            std::vector<int> slots{r.template slot<Names>()...};
            all.push_back({std::move(r.plan), std::move(slots)});
        });
        return std::make_shared<detail::concat_rows<detail::concat_input>>(std::move(all), std::vector<type_id>{slot_type_of<Types>...});
    }
};

// An lvalue table is borrowed, an rvalue owned, as with `table | stage`.
template <class... Inputs>
    requires(sizeof...(Inputs) > 0 && (row_input<std::remove_cvref_t<Inputs>> && ...))
auto concat(Inputs&&... inputs) {
    detail::report_difference<2, typename detail::relation_of<decltype(detail::as_query(std::forward<Inputs>(inputs)))>::schema_type...>();
    return concat_source<decltype(detail::as_query(std::forward<Inputs>(inputs)))...>{detail::make_pack(detail::as_query(std::forward<Inputs>(inputs))...)};
}

}  // namespace SEGKIT_NAMESPACE
