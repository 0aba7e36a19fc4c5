// segkit/query/rank.hpp: where a row stands among the others, as a new column; no row moves.
//
//     rank(descending("revenue"_c), "place"_c, {.method = rank_method::dense})
//     rank(descending("revenue"_c), "place"_c).within("country"_c)                 // in each country of its own
//     row_number(order_by("day"_c, descending("paid"_c)), "visit"_c).within("user_id"_c)
//     ntile(4, "revenue"_c, "quarter"_c)          percentile_rank("revenue"_c, "standing"_c)
//
// The order is that of sort_by: NaNs after the numbers, nulls last in either direction, or first with .nulls_first(). Two passes: the
// first holds the keys, the second the places only, eight bytes a row, while the other columns stream. A radix sort, as sort_by.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include <segkit/config.hpp>
#include <segkit/error.hpp>
#include <segkit/pipeline/pipeline.hpp>
#include <segkit/query/detail/rank_engine.hpp>
#include <segkit/query/order_by.hpp>

namespace SEGKIT_NAMESPACE {

// What rows with equal keys get. Of the values 10, 20, 20, 30: min gives 1 2 2 4, max 1 3 3 4, dense 1 2 2 3, first 1 2 3 4,
// average 1 2.5 2.5 4. Average gives doubles, the others integers.
namespace rank_method {
enum class whole : std::uint8_t { min, max, dense, first };
inline constexpr whole min = whole::min, max = whole::max, dense = whole::dense, first = whole::first;
class halves {
public:
    explicit constexpr halves(int) {}
};
inline constexpr halves average{0};
}  // namespace rank_method

struct rank_options {
    rank_method::whole method = rank_method::min;
};
struct average_rank_options {
    rank_method::halves method;
};

// With `below` rows before, `equal` rows of the same keys (the row among them) and `n` rows: middle (below + equal / 2) / n, which
// is what the fitted percentile_rank(columns) gives its training rows; relative below / (n - 1), SQL's percent_rank, 0 for a
// single row; cumulative (below + equal) / n, SQL's cume_dist.
enum class percentile_method : std::uint8_t { middle, relative, cumulative };

struct percentile_rank_options {
    percentile_method method = percentile_method::middle;
};

namespace detail {

// What is computed of a row's place: the name of its stage, the type of its column, and the rule at run time.
struct rank_kind {
    static constexpr std::string_view stage_name = "rank";
    rank_method::whole method = rank_method::min;
    template <bool>
    using type = std::int64_t;
    place_rule rule() const { return {.stage = stage_name, .kind = static_cast<place_kind>(method)}; }
    void serialize(auto& archive) { serialize_choice(archive, "method", method, 3); }
};
struct average_rank_kind {
    static constexpr std::string_view stage_name = "rank";
    template <bool>
    using type = double;
    place_rule rule() const { return {.stage = stage_name, .kind = place_kind::average}; }
};
struct row_number_kind {
    static constexpr std::string_view stage_name = "row_number";
    template <bool>
    using type = std::int64_t;
    place_rule rule() const { return {.stage = stage_name, .kind = place_kind::first}; }
};
struct ntile_kind {
    static constexpr std::string_view stage_name = "ntile";
    std::uint64_t n = 1;
    template <bool>
    using type = std::int64_t;
    place_rule rule() const { return {.stage = stage_name, .kind = place_kind::tile, .tiles = n}; }
    void serialize(auto& archive) { archive.field("n", n); }
};
struct percentile_rank_kind {
    static constexpr std::string_view stage_name = "percentile_rank";
    percentile_method method = percentile_method::middle;
    template <bool Nullable>
    using type = std::conditional_t<Nullable, std::optional<double>, double>;
    place_rule rule() const {
        return {.stage = stage_name, .kind = static_cast<place_kind>(static_cast<int>(place_kind::middle) + static_cast<int>(method)), .skip_nulls = true};
    }
    void serialize(auto& archive) { serialize_choice(archive, "method", method, 2); }
};

}  // namespace detail

// Adds the column Out: the place of each row in an order, within its group.
template <class Kind, class Order, fixed_string Out, class Groups>
struct rank_stage;
template <class Kind, class... Keys, fixed_string Out, fixed_string... Groups>
struct rank_stage<Kind, order_keys<Keys...>, Out, column_list<Groups...>> : stage_base {
    static constexpr std::string_view stage_name = Kind::stage_name;
    [[no_unique_address]] Kind kind{};

    template <class Schema>
    auto bind(relation<Schema> r) const {
        if constexpr (!detail::order_fits<Schema, Keys...>) {
            detail::report_order<Schema, Keys...>();
            return detail::erroneous_rows();
        } else if constexpr (!detail::keys_fit<Schema, Groups...>) {
            detail::report_keys<Schema, Groups...>();
            return detail::erroneous_rows();
        } else if constexpr (has_column<Schema, Out>) {
            detail::report(detail::mistake<duplicate_column_name<name<Out>, existing_columns_of<Schema>>>);
            return detail::erroneous_rows();
        } else {
            using T = typename Kind::template type<(is_nullable<column_type_t<Schema, detail::key_name_of<Keys>>> || ...)>;
            using Next = typename detail::append_fields<Schema, field<Out, T>>::type;
            using places = detail::place_rows<non_null_t<T>>;
            return detail::number_rows<Next>(std::move(r), places(checked_rule(), {detail::sort_key_in<Schema, Keys>()...}, {Schema::find(name_of<Groups>)...}));
        }
    }

    void serialize(auto& archive)
        requires requires(Kind k) { k.serialize(archive); }
    {
        kind.serialize(archive);
    }

private:
    detail::place_rule checked_rule() const {
        const detail::place_rule rule = kind.rule();
        if (rule.tiles > 0) return rule;
        throw error({.code = error_code::invalid_option,
                     .stage = std::string(stage_name),
                     .field = "n",
                     .found = "0",
                     .expected = "at least 1",
                     .advice = "say into how many parts the rows are to be cut"});
    }
};

// A rank over all rows, a pipeline of one stage; `.within(...)` ranks in groups.
template <class Kind, class Order, fixed_string Out>
struct rank_pipeline : pipeline<rank_stage<Kind, Order, Out, column_list<>>> {
    // The places begin anew for each combination of these columns; a null is a group of its own.
    template <fixed_string... Groups>
    constexpr auto within(col<Groups>...) const {
        if constexpr (sizeof...(Groups) == 0) return detail::nothing_given<"within", sizeof...(Groups)>();
        else return make_pipeline(rank_stage<Kind, Order, Out, column_list<Groups...>>{{}, detail::get<0>(this->stages).kind});
    }
};

namespace detail {
template <class Kind, class Order, fixed_string Out>
struct pipeline_traits<rank_pipeline<Kind, Order, Out>> : std::true_type {};

template <fixed_string Out, class Order, class Kind>
constexpr auto make_rank(Kind kind) {
    if constexpr (sort_order<Order>) {
        return rank_pipeline<Kind, order_of<Order>, Out>{{make_pack(rank_stage<Kind, order_of<Order>, Out, column_list<>>{{}, kind})}};
    } else {
        detail::report(detail::mistake<not_an_order<Order>>);
        return erroneous_choice{};
    }
}
}  // namespace detail

// The row's place in the order, from 1: integers, doubles for rank_method::average. `key` is a column, descending(column) or
// order_by(...). Nulls are ranked, all as equals after everything else, as SQL does with nulls last, or before it with nulls_first().
template <class Order, fixed_string Out>
constexpr auto rank(const Order&, col<Out>, rank_options options = {}) {
    return detail::make_rank<Out, Order>(detail::rank_kind{options.method});
}
template <class Order, fixed_string Out>
constexpr auto rank(const Order&, col<Out>, average_rank_options) {
    return detail::make_rank<Out, Order>(detail::average_rank_kind{});
}

// 1, 2, 3, ... in an order, equal keys in the order of the rows; or in the order of the rows.
template <class Order, fixed_string Out>
constexpr auto row_number(const Order&, col<Out>) {
    return detail::make_rank<Out, Order>(detail::row_number_kind{});
}
template <fixed_string Out>
constexpr auto row_number(col<Out>) {
    return detail::make_rank<Out, order_keys<>>(detail::row_number_kind{});
}

// The rows in order cut into n parts as equal as can be, the larger ones first: which part a row is in, from 1. Ties go by row.
template <class Order, fixed_string Out>
constexpr auto ntile(std::uint64_t n, const Order&, col<Out>) {
    return detail::make_rank<Out, Order>(detail::ntile_kind{n});
}

// Where the row stands from 0 to 1 among the rows at hand, nothing being learned: a row with a null key is not ranked and gets a
// null. (percentile_rank(columns(...)) of segkit/prepare/percentile_rank.hpp learns from rows and ranks others among them.)
template <class Order, fixed_string Out>
constexpr auto percentile_rank(const Order&, col<Out>, percentile_rank_options options = {}) {
    return detail::make_rank<Out, Order>(detail::percentile_rank_kind{options.method});
}

}  // namespace SEGKIT_NAMESPACE
