// segkit/query/top_n.hpp: the first n rows of an order, over all rows or within each group.
//
//     top_n(10, descending("revenue"_c), "name"_c)                    // what sort_by(...) | head(10) gives, rows in that order
//     top_n(3, descending("revenue"_c)).within("country"_c)           // three of each country, countries as they first appear
//
// The order is that of sort_by, so the greatest come first only where a key is descending; of rows with equal keys the earlier
// ones are taken. Ends a pass; holds n rows, or n of each group, and of those the columns that are read later.
#pragma once

#include <concepts>
#include <cstddef>
#include <string_view>
#include <type_traits>
#include <utility>

#include <segkit/config.hpp>
#include <segkit/pipeline/pipeline.hpp>
#include <segkit/query/detail/best_rows.hpp>
#include <segkit/query/order_by.hpp>

namespace SEGKIT_NAMESPACE {

template <class... Given>
struct not_a_top_n {
    static_assert(detail::never<Given...>,
                  "segkit: top_n takes how many rows, and then the keys of their order: top_n(10, descending(\"revenue\"_c)); see 'not_a_top_n<what was given...>'");
};

template <class Order, class Groups>
struct top_n_stage;
template <class... Keys, fixed_string... Groups>
struct top_n_stage<order_keys<Keys...>, column_list<Groups...>> : stage_base {
    static constexpr std::string_view stage_name = "top_n";
    std::size_t n = 0;

    template <class Schema>
    auto bind(relation<Schema> r) const {
        if constexpr (!detail::order_fits<Schema, Keys...>) {
            detail::report_order<Schema, Keys...>();
            return detail::erroneous_rows();
        } else if constexpr (!detail::keys_fit<Schema, Groups...>) {
            detail::report_keys<Schema, Groups...>();
            return detail::erroneous_rows();
        } else {
            detail::best_rows_request request{.stage = stage_name, .n = n};
            request.order = {detail::order_slot{r.template slot<detail::key_name_of<Keys>>(), detail::sort_key_traits<Keys>::down, detail::sort_key_traits<Keys>::nulls_first}...};
            request.groups = {r.template slot<Groups>()...};
            return detail::keep_best_rows(std::move(r), std::move(request));
        }
    }

    template <class Archive>
    void serialize(Archive& archive) {
        archive.field("n", n);
    }
};

// The first n over all rows, a pipeline of one stage; `.within(...)` takes the first n of each group.
template <class Order>
struct top_n_pipeline : pipeline<top_n_stage<Order, column_list<>>> {
    // A null is a group of its own.
    template <fixed_string... Groups>
    constexpr auto within(col<Groups>...) const {
        if constexpr (sizeof...(Groups) == 0) return detail::nothing_given<"within", sizeof...(Groups)>();
        else return make_pipeline(top_n_stage<Order, column_list<Groups...>>{{}, detail::get<0>(this->stages).n});
    }
};

namespace detail {
template <class Order>
struct pipeline_traits<top_n_pipeline<Order>> : std::true_type {};
}  // namespace detail

// Keys are columns ("x"_c) or descending("x"_c), the most significant first; see also nulls_first() of segkit/query/sort.hpp.
template <class... Keys>
    requires(sizeof...(Keys) > 0)
constexpr auto top_n(std::size_t n, const Keys&...) {
    if constexpr ((detail::is_sort_key<Keys> && ...)) {
        return top_n_pipeline<order_keys<Keys...>>{{detail::make_pack(top_n_stage<order_keys<Keys...>, column_list<>>{{}, n})}};
    } else {
        detail::report(detail::mistake<not_an_order<Keys...>>);
        return detail::erroneous_choice{};
    }
}

namespace detail {
template <class... Given>
inline constexpr bool begins_with_a_number = false;
template <class First, class... More>
inline constexpr bool begins_with_a_number<First, More...> = std::convertible_to<First, std::size_t> && sizeof...(More) > 0;
}  // namespace detail
template <class... Given>
    requires(!detail::begins_with_a_number<Given...>)
constexpr auto top_n(const Given&...) {
    detail::report(detail::mistake<not_a_top_n<Given...>>);
    return detail::erroneous_choice{};
}

}  // namespace SEGKIT_NAMESPACE
