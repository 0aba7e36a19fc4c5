// segkit/query/join.hpp: rows of two tables brought together by key.
//
//     sessions | left_join(users, "user_id"_c, one_match)       // users' columns, null where there is no such user
//     sessions | inner_join(flights | select("trip_id"_c, "seats"_c), "trip_id"_c)
//     users    | anti_join(blocked, "user_id"_c)                // those without a match; semi_join: those with one
//
// The right side is a table, a source or a query, and is held in memory; the left side streams. A key occurs once in the
// result. A null key matches nothing; NaNs are one key, as in a group-by. With `one_match` the right side is promised to have each key once, which is checked;
// without it a left row appears once per match, in the order of the right side. Right columns of a left join are nullable.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include <segkit/config.hpp>
#include <segkit/pipeline/pipeline.hpp>
#include <segkit/query/detail/join_engine.hpp>
#include <segkit/query/select.hpp>

namespace SEGKIT_NAMESPACE {

// The promise that each key occurs at most once on the right side. Broken, it is an error that names the key.
struct one_match_t {};
inline constexpr one_match_t one_match{};

template <class Name>
struct join_column_clash {
    static_assert(detail::never<Name>,
                  "segkit: both sides of the join have a column of this name, and it is not a key; rename or drop one of them before the join");
};
template <class Name>
struct left_join_of_a_block {
    static_assert(detail::never<Name>,
                  "segkit: a left join cannot bring a block column, which has no nulls for rows without a match; see 'left_join_of_a_block<name>'; "
                  "drop it on the right side, or use inner_join");
};
template <class Name, class Left, class Right>
struct join_keys_differ_in_type {
    static_assert(detail::never<Name>,
                  "segkit: the key has different types on the two sides of the join; see 'join_keys_differ_in_type<name, left, right>'");
};

namespace detail {

// The right side's columns beside its keys.
template <class Schema, fixed_string... Keys>
using payload_of = typename fields_at<Schema, positions_without<Schema, Keys...>>::type;

}  // namespace detail

template <detail::join_kind Kind, bool OneMatch, class Right, fixed_string... Keys>
struct join_stage : stage_base {
    static constexpr std::string_view stage_name = Kind == detail::join_kind::inner  ? "inner_join"
                                                   : Kind == detail::join_kind::left ? "left_join"
                                                   : Kind == detail::join_kind::semi ? "semi_join"
                                                                                     : "anti_join";
    Right right;    // a query

    template <class Schema>
    auto bind(relation<Schema> left) const {
        auto right_rows = right.bind();
        using RightSchema = typename decltype(right_rows)::schema_type;
        if constexpr (detail::is_erroneous_schema<RightSchema>) {
            return right_rows;
        } else if constexpr (!(has_column<Schema, Keys> && ...)) {
            (detail::require_column<Schema, Keys>(), ...);
            return detail::erroneous_rows();
        } else if constexpr (!(has_column<RightSchema, Keys> && ...)) {
            (detail::require_column<RightSchema, Keys>(), ...);
            return detail::erroneous_rows();
        } else if constexpr (!(std::same_as<non_null_t<column_type_t<Schema, Keys>>, non_null_t<column_type_t<RightSchema, Keys>>> && ...)) {
            (check_key<Schema, RightSchema, Keys>(), ...);
            return detail::erroneous_rows();
        } else {
            const std::vector<std::size_t> keys{RightSchema::find(name_of<Keys>)...};
            auto side = std::make_shared<detail::right_side>(std::move(right_rows.plan), std::move(right_rows.slot_of), keys,
                                                             detail::join_promise{Kind, OneMatch, stage_name, {name_of<Keys>...}});
            std::vector<int> left_keys{left.template slot<Keys>()...};
            if constexpr (Kind == detail::join_kind::semi || Kind == detail::join_kind::anti) {
                add_lookup(left, side, left_keys);
                return left;
            } else {
                using Payload = detail::payload_of<RightSchema, Keys...>;
                return add_columns<RightSchema>(std::move(left), std::move(side), std::move(left_keys), static_cast<Payload*>(nullptr));
            }
        }
    }

private:
    template <class T>
    using joined = std::conditional_t<Kind == detail::join_kind::left && !is_nullable<T>, std::optional<T>, T>;

    template <class L, class R, fixed_string Name>
    static auto check_key() {
        if constexpr (!std::same_as<non_null_t<column_type_t<L, Name>>, non_null_t<column_type_t<R, Name>>>)
            detail::report(detail::mistake<join_keys_differ_in_type<name<Name>, column_type_t<L, Name>, column_type_t<R, Name>>>);
    }
    template <class Schema, fixed_string Name>
    static auto check_clash() {
        if constexpr (has_column<Schema, Name>) detail::report(detail::mistake<join_column_clash<name<Name>>>);
    }
    template <fixed_string Name, class T>
    static auto check_block() {
        if constexpr (is_block<T>) detail::report(detail::mistake<left_join_of_a_block<name<Name>>>);
    }
    template <class Schema>
    static int add_lookup(relation<Schema>& left, const std::shared_ptr<detail::right_side>& side, const std::vector<int>& keys) {
        const int match = left.plan.add_slot({.type = type_id::int32});
        left.plan.add_step(std::make_shared<detail::lookup_step>(Kind, side, keys, match));
        return match;
    }

    template <class RightSchema, class Schema, fixed_string... Names, class... Types>
    static auto add_columns(relation<Schema> left, std::shared_ptr<detail::right_side> side, std::vector<int> keys, schema<field<Names, Types>...>*) {
        if constexpr ((has_column<Schema, Names> || ...)) {
            (check_clash<Schema, Names>(), ...);
            return detail::erroneous_rows();
        } else if constexpr (Kind == detail::join_kind::left && (is_block<Types> || ...)) {
            (check_block<Names, Types>(), ...);
            return detail::erroneous_rows();
        } else {
            using Out = typename detail::append_fields<Schema, field<Names, joined<Types>>...>::type;
            if constexpr (OneMatch) {
                const int match = add_lookup(left, side, keys);
                std::vector<int> slots = left.slot_of;
                const auto add = [&](std::size_t column, type_id type, bool nullable) {
                    const int out = left.plan.add_slot({.type = type, .nullable = nullable, .stable = true});
                    left.plan.add_step(std::make_shared<detail::gather_step>(side, column, nullable, detail::join_fill{}, match, out));
                    slots.push_back(out);
                };
                (add(RightSchema::find(name_of<Names>), type_id_of<joined<Types>>, is_nullable<joined<Types>>), ...);
                return std::move(left).template with<Out>(std::move(slots));
            } else {
                std::vector<detail::join_source::right_column> columns{{RightSchema::find(name_of<Names>), is_nullable<joined<Types>>, {}}...};
                return detail::relation_over<Out>(std::make_shared<detail::join_source>(Kind, std::move(left.plan), std::move(left.slot_of), std::move(keys),
                                                                                       std::move(side), std::move(columns)));
            }
        }
    }
};

namespace detail {
template <join_kind Kind, bool OneMatch, fixed_string... Keys, class Right>
auto make_join(Right&& right) {
    auto q = as_query(std::forward<Right>(right));
    return make_pipeline(join_stage<Kind, OneMatch, decltype(q), Keys...>{{}, std::move(q)});
}
}  // namespace detail

template <class Right, fixed_string... Keys>
    requires row_input<std::remove_cvref_t<Right>>
auto inner_join(Right&& right, col<Keys>...) {
    return detail::make_join<detail::join_kind::inner, false, Keys...>(std::forward<Right>(right));
}
template <class Right, fixed_string Key>
    requires row_input<std::remove_cvref_t<Right>>
auto inner_join(Right&& right, col<Key>, one_match_t) {
    return detail::make_join<detail::join_kind::inner, true, Key>(std::forward<Right>(right));
}
template <class Right, fixed_string... Keys>
    requires row_input<std::remove_cvref_t<Right>>
auto left_join(Right&& right, col<Keys>...) {
    return detail::make_join<detail::join_kind::left, false, Keys...>(std::forward<Right>(right));
}
template <class Right, fixed_string Key>
    requires row_input<std::remove_cvref_t<Right>>
auto left_join(Right&& right, col<Key>, one_match_t) {
    return detail::make_join<detail::join_kind::left, true, Key>(std::forward<Right>(right));
}
// Rows of the left side that have a match.
template <class Right, fixed_string... Keys>
    requires row_input<std::remove_cvref_t<Right>>
auto semi_join(Right&& right, col<Keys>...) {
    return detail::make_join<detail::join_kind::semi, false, Keys...>(std::forward<Right>(right));
}
// Rows of the left side that have none.
template <class Right, fixed_string... Keys>
    requires row_input<std::remove_cvref_t<Right>>
auto anti_join(Right&& right, col<Keys>...) {
    return detail::make_join<detail::join_kind::anti, false, Keys...>(std::forward<Right>(right));
}

}  // namespace SEGKIT_NAMESPACE
