// segkit/query/order_by.hpp: the order of rows that rank, row_number, ntile and top_n are given, and its compile errors.
//
//     "revenue"_c        descending("revenue"_c)        descending("revenue"_c).nulls_first()
//     order_by("day"_c, descending("revenue"_c))
//
// The keys are those of sort_by, the most significant first. An order is no stage: sort_by puts the rows themselves in order.
#pragma once

#include <type_traits>

#include <segkit/config.hpp>
#include <segkit/pipeline/pipeline.hpp>
#include <segkit/query/select.hpp>
#include <segkit/query/sort.hpp>

namespace SEGKIT_NAMESPACE {

// Several keys as one order.
template <class... Keys>
struct order_keys {};

template <class Name>
struct block_as_a_key {
    static_assert(detail::never<Name>, "segkit: a block column cannot tell groups apart, and neither can a list; see 'block_as_a_key<name>'");
};

template <class... Given>
struct not_an_order {
    static_assert(detail::never<Given...>,
                  "segkit: an order is made of columns: \"x\"_c, descending(\"x\"_c), either with nulls first, or order_by(...) of these, and not of expressions; see "
                  "'not_an_order<what was given...>'; derive a column first");
};

namespace detail {

template <class Order>
struct order_traits {
    static constexpr bool is_order = false;
};
template <class Key>
    requires is_sort_key<Key>
struct order_traits<Key> {
    static constexpr bool is_order = true;
    using keys = order_keys<Key>;
};
template <class... Keys>
struct order_traits<order_keys<Keys...>> {
    static constexpr bool is_order = true;
    using keys = order_keys<Keys...>;
};
template <fixed_string... Names>
struct order_traits<column_list<Names...>> {
    static constexpr bool is_order = sizeof...(Names) > 0;
    using keys = order_keys<col<Names>...>;
};
template <class Order>
using order_of = typename order_traits<Order>::keys;

// What is said of columns that cannot tell groups apart.
template <class Schema, fixed_string... Names>
constexpr auto report_keys() {
    (report_key<block_as_a_key, Schema, Names>(), ...);
}

// A stage by something that is no order, which has been reported.
struct erroneous_choice : pipeline<erroneous_stage> {
    template <class... Groups>
    constexpr auto within(const Groups&...) const {
        return make_pipeline(erroneous_stage{});
    }
};
template <>
struct pipeline_traits<erroneous_choice> : std::true_type {};

}  // namespace detail

// A column, descending(column), either with nulls_first(), order_by(...) or columns(...).
template <class T>
concept sort_order = detail::order_traits<T>::is_order;

template <class... Keys>
constexpr auto order_by(const Keys&...) {
    if constexpr (sizeof...(Keys) > 0 && (detail::is_sort_key<Keys> && ...)) {
        return order_keys<Keys...>{};
    } else {
        detail::report(detail::mistake<not_an_order<Keys...>>);
        return order_keys<>{};
    }
}

}  // namespace SEGKIT_NAMESPACE
