// segkit/query/join.hpp: rows of two tables brought together by key.
//
//     sessions | left_join(users, "user_id"_c, one_match)       // users' columns, null where there is no such user
//     users | left_join(totals, "user_id"_c, one_match).otherwise("trips"_c = 0, "spent"_c = 0.0)    // values instead of nulls
//     sessions | inner_join(flights | select("trip_id"_c, "seats"_c), "trip_id"_c)
//     users    | anti_join(blocked, "user_id"_c)                // those without a match; semi_join: those with one
//
// The right side is a table, a source or a query, and is held in memory (a table's columns are used where they are); the left side
// streams, or where it lies in memory may be indexed in place of a larger right side. A key occurs once in the result. A null key
// matches nothing; NaNs are one key, as in a group-by. With `one_match` the right side is promised to have each key once, which is
// checked; without it a left row appears once per match, in the order of the right side. Right columns of a
// left join are nullable, unless `otherwise` gives a value for rows without a match.
// Cost: some nanoseconds per left row; 4 bytes per right row (keys that are integers of a dense range), or 8.
#pragma once

#include <array>
#include <concepts>
#include <cstddef>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <segkit/config.hpp>
#include <segkit/expr/column.hpp>
#include <segkit/pipeline/pipeline.hpp>
#include <segkit/query/detail/join_engine.hpp>
#include <segkit/query/select.hpp>

namespace SEGKIT_NAMESPACE {

// The promise that each key occurs at most once on the right side. Broken, it is an error that names the key.
struct one_match_t {};
inline constexpr one_match_t one_match{};

template <class... Given>
struct not_a_join {
    static_assert(detail::never<Given...>,
                  "segkit: a join takes the right side (a table, a source or a query), then its key columns, and at the end one_match where each key is promised to "
                  "occur once: left_join(users, \"user_id\"_c, one_match); semi_join and anti_join need no such promise; a key has one name on both sides: "
                  "left_join(users | rename(\"user_id\"_c = \"id\"_c), \"user_id\"_c); see 'not_a_join<what was given...>'");
};
template <class Name>
struct join_column_clash {
    static_assert(detail::never<Name>,
                  "segkit: both sides of the join have a column of this name, and it is not a key; rename or drop one of them before the join");
};
template <std::size_t Columns>
struct clashing_columns {};
template <class Count, class... FirstNames>
struct join_column_clashes {
    static_assert(detail::never<Count>,
                  "segkit: both sides of the join have columns of these names, which are not keys; see 'join_column_clashes<how many, the first names...>'; of the right "
                  "side select what is wanted and rename it: right | select(\"id\"_c, \"plan\"_c) | rename(\"other_plan\"_c = \"plan\"_c); semi_join brings no columns");
};
template <class Name>
struct left_join_of_a_block {
    static_assert(detail::never<Name>,
                  "segkit: a left join cannot bring a block column, which has no nulls for rows without a match; see 'left_join_of_a_block<name>'; "
                  "drop it on the right side, or use inner_join");
};
template <class Name, class Type>
struct no_join_key {
    static_assert(detail::never<Name>, "segkit: a block column cannot be the key of a join, and neither can a list; see 'no_join_key<name, type>'");
};
template <class Name, class Left, class Right>
struct join_keys_differ_in_type {
    static_assert(detail::never<Name>,
                  "segkit: the key has different types on the two sides of the join; see 'join_keys_differ_in_type<name, left, right>'");
};

template <class Name, class Column, class Value>
struct otherwise_value_of_another_type {
    static_assert(detail::never<Name>,
                  "segkit: this value cannot stand in the column for rows without a match; see 'otherwise_value_of_another_type<name, column, value>'; "
                  "give one of the column's type");
};
template <class... Given>
struct otherwise_takes_values {
    static_assert(detail::never<Given...>,
                  "segkit: otherwise takes named values, \"column\"_c = value, and no expressions; see 'otherwise_takes_values<what was given...>'");
};

namespace detail {

// Whether a value can fill a column, and its bytes there.
template <class T, class V>
constexpr bool can_fill() {
    using U = non_null_t<T>;
    if constexpr (is_text<U>) return std::same_as<V, std::string_view> || std::same_as<V, std::string>;
    else if constexpr (std::same_as<U, bool> || std::same_as<V, bool>) return std::same_as<U, V>;
    else if constexpr (is_integer<U>) return is_integer<V> && sizeof(V) <= sizeof(U);
    else if constexpr (is_number<U>) return is_number<V>;
    else if constexpr (std::same_as<U, timestamp>) return std::same_as<V, timestamp> || std::same_as<V, date>;
    else return std::same_as<U, V>;
}
template <class T, class V>
gather_fill fill_of(const V& value) {
    using U = non_null_t<T>;
    gather_fill fill{.given = true};
    if constexpr (!can_fill<T, V>()) {
        return fill;    // has been reported
    } else if constexpr (is_text<U>) {
        fill.text = std::string(value);
    } else {
        const auto stored = static_cast<U>(value);
        std::memcpy(&fill.bits, &stored, sizeof stored);
    }
    return fill;
}

template <class Payload, fixed_string Name, class V>
constexpr bool can_fill_column() {
    if constexpr (has_column<Payload, Name>) return can_fill<column_type_t<Payload, Name>, V>();
    else return false;
}

// The values given to `otherwise`.
template <class... Values>
struct join_fills;
template <fixed_string... Names, class... Values>
struct join_fills<named<Names, literal<Values>>...> {
    pack<named<Names, literal<Values>>...> values;

    template <fixed_string Name>
    static constexpr bool has = ((name_of<Names> == name_of<Name>) || ...);

    template <class Payload>
    static constexpr bool fit = (detail::can_fill_column<Payload, Names, Values>() && ...);
    template <class Payload>
    static constexpr auto report_misfits() {
        (report_misfit<Payload, Names, Values>(), ...);
    }

    // Of a column of type T.
    template <fixed_string Name, class T>
    gather_fill of() const {
        gather_fill fill;
        unpack([&](const named<Names, literal<Values>>&... v) { (take<Name, T>(fill, v), ...); }, values);
        return fill;
    }

private:
    template <class Payload, fixed_string Name, class V>
    static constexpr auto report_misfit() {
        if constexpr (!has_column<Payload, Name>) require_column<Payload, Name>();
        else if constexpr (!detail::can_fill_column<Payload, Name, V>())
            report(mistake<otherwise_value_of_another_type<name<Name>, column_type_t<Payload, Name>, V>>);
    }
    template <fixed_string Wanted, class T, fixed_string Name, class V>
    static void take(gather_fill& fill, const named<Name, literal<V>>& v) {
        if constexpr (name_of<Name> == name_of<Wanted>) fill = fill_of<T>(v.content.value);
        else (void)fill, (void)v;
    }
};

template <class T>
inline constexpr bool is_named_value = false;
template <fixed_string Name, class V>
inline constexpr bool is_named_value<named<Name, literal<V>>> = true;

// The right side's columns beside its keys.
template <class Schema, fixed_string... Keys>
using payload_of = typename fields_at<Schema, positions_without<Schema, Keys...>>::type;

// What is said of columns that the left side has as well: one message, however many they are.
template <class Left, class Payload, std::size_t... I>
constexpr auto report_clashes(std::index_sequence<I...>) {
    constexpr auto at = [] {
        std::array<std::size_t, Payload::size + 1> positions{};    // the last member: how many
        for (std::size_t i = 0; i < Payload::size; ++i)
            if (Left::contains(Payload::names[i])) positions[positions[Payload::size]++] = i;
        return positions;
    }();
    constexpr std::size_t count = at[Payload::size], shown = count < 5 ? count : 5;
    if constexpr (count == 1) report(mistake<join_column_clash<typename field_parts<field_at<Payload, at[0]>>::name_type>>);
    else if constexpr (sizeof...(I) != shown) report_clashes<Left, Payload>(std::make_index_sequence<shown>());
    else report(mistake<join_column_clashes<clashing_columns<count>, typename field_parts<field_at<Payload, at[I]>>::name_type...>>);
}

// What stands behind the right side of a join: keys, then perhaps the promise; no_join_by for anything else.
template <bool OneMatch, fixed_string... Keys>
struct join_by {};
struct no_join_by {};
template <class By, class... Given>
struct join_by_of {
    using type = no_join_by;
};
template <fixed_string Key, fixed_string... Keys>
struct join_by_of<join_by<false, Key, Keys...>> {
    using type = join_by<false, Key, Keys...>;
};
template <fixed_string Key, fixed_string... Keys>
struct join_by_of<join_by<false, Key, Keys...>, one_match_t> {
    using type = join_by<true, Key, Keys...>;
};
template <fixed_string... Keys, fixed_string Key, class... Given>
struct join_by_of<join_by<false, Keys...>, col<Key>, Given...> : join_by_of<join_by<false, Keys..., Key>, Given...> {};
struct its_right_side {};    // stands for a right side that is one

}  // namespace detail

template <detail::join_kind Kind, bool OneMatch, class Right, class Fills, fixed_string... Keys>
struct join_stage : stage_base {
    static constexpr std::string_view stage_name = Kind == detail::join_kind::inner  ? "inner_join"
                                                   : Kind == detail::join_kind::left ? "left_join"
                                                   : Kind == detail::join_kind::semi ? "semi_join"
                                                                                     : "anti_join";
    Right right;    // a query
    Fills fills;

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
        } else if constexpr (!(holds_same_values<column_type_t<Schema, Keys>, column_type_t<RightSchema, Keys>> && ...) || (is_nested<column_type_t<Schema, Keys>> || ...)) {
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
    template <fixed_string Name, class T>
    using joined = std::conditional_t<Kind == detail::join_kind::left && !is_nullable<T> && !Fills::template has<Name>, std::optional<T>, T>;

    template <class L, class R, fixed_string Name>
    static auto check_key() {
        if constexpr (!holds_same_values<column_type_t<L, Name>, column_type_t<R, Name>>)
            detail::report(detail::mistake<join_keys_differ_in_type<name<Name>, column_type_t<L, Name>, column_type_t<R, Name>>>);
        else if constexpr (is_nested<column_type_t<L, Name>>) detail::report(detail::mistake<no_join_key<name<Name>, column_type_t<L, Name>>>);
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
    auto add_columns(relation<Schema> left, std::shared_ptr<detail::right_side> side, std::vector<int> keys, schema<field<Names, Types>...>*) const {
        if constexpr ((has_column<Schema, Names> || ...)) {
            detail::report_clashes<Schema, schema<field<Names, Types>...>>(std::index_sequence<>());
            return detail::erroneous_rows();
        } else if constexpr (Kind == detail::join_kind::left && (is_block<Types> || ...)) {
            (check_block<Names, Types>(), ...);
            return detail::erroneous_rows();
        } else if constexpr (!Fills::template fit<schema<field<Names, Types>...>>) {
            Fills::template report_misfits<schema<field<Names, Types>...>>();
            return detail::erroneous_rows();
        } else {
            using Out = typename detail::append_fields<Schema, field<Names, joined<Names, Types>>...>::type;
            std::vector<detail::join_source::right_column> columns{
                {RightSchema::find(name_of<Names>), is_nullable<joined<Names, Types>>, fills.template of<Names, Types>()}...};
            if constexpr (OneMatch) {
                std::shared_ptr<row_source> whole;
                if (left.plan.source()->row_count() && left.plan.source()->rescannable())
                    whole = std::make_shared<detail::join_source>(Kind, left.plan, left.slot_of, keys, side, columns);
                const int match = add_lookup(left, side, keys);
                std::vector<int> slots = left.slot_of;
                const auto add = [&](std::size_t column, type_id type, bool nullable, detail::gather_fill fill) {
                    const int out = left.plan.add_slot({.type = type, .nullable = nullable, .stable = true});
                    left.plan.add_step(std::make_shared<detail::gather_step>(side, column, nullable, std::move(fill), match, out));
                    slots.push_back(out);
                };
                (add(RightSchema::find(name_of<Names>), slot_type_of<Types>, is_nullable<joined<Names, Types>>, fills.template of<Names, Types>()), ...);
                if (whole) left.plan.offer_whole(std::move(whole), slots);
                return std::move(left).template with<Out>(std::move(slots));
            } else {
                return detail::relation_over<Out>(std::make_shared<detail::join_source>(Kind, std::move(left.plan), std::move(left.slot_of), std::move(keys),
                                                                                       std::move(side), std::move(columns)));
            }
        }
    }
};

// A left join, which may be given values for rows without a match.
template <class Join>
struct left_join_pipeline;
template <bool OneMatch, class Right, class Fills, fixed_string... Keys>
struct left_join_pipeline<join_stage<detail::join_kind::left, OneMatch, Right, Fills, Keys...>>
    : pipeline<join_stage<detail::join_kind::left, OneMatch, Right, Fills, Keys...>> {
    // `otherwise("trips"_c = 0, "spent"_c = 0.0)`: these columns have the value where there is no match, and are nullable only if
    // they are so on the right side.
    template <class... Values>
    constexpr auto otherwise(const Values&... values) const {
        if constexpr (sizeof...(Values) == 0) {
            return detail::nothing_given<"otherwise", sizeof...(Values)>();
        } else if constexpr ((detail::is_named_value<Values> && ...)) {
            using with_values = join_stage<detail::join_kind::left, OneMatch, Right, detail::join_fills<Values...>, Keys...>;
            return make_pipeline(with_values{{}, detail::get<0>(this->stages).right, {detail::make_pack(values...)}});
        } else {
            detail::report(detail::mistake<otherwise_takes_values<Values...>>);
            return make_pipeline(detail::erroneous_stage{});
        }
    }
};

namespace detail {
template <class Join>
struct pipeline_traits<left_join_pipeline<Join>> : std::true_type {};

// What a join becomes whose making has been reported as wrong.
struct erroneous_join : pipeline<erroneous_stage> {
    template <class... Values>
    constexpr auto otherwise(const Values&...) const {
        return make_pipeline(erroneous_stage{});
    }
};
template <>
struct pipeline_traits<erroneous_join> : std::true_type {};

template <join_kind Kind, bool OneMatch, fixed_string... Keys, class Right>
auto make_join(join_by<OneMatch, Keys...>, Right&& right) {
    auto q = as_query(std::forward<Right>(right));
    using join = join_stage<Kind, OneMatch, decltype(q), join_fills<>, Keys...>;
    auto made = make_pipeline(join{{}, std::move(q), {}});
    if constexpr (Kind == join_kind::left) return left_join_pipeline<join>{std::move(made)};
    else return made;
}
template <class By, join_kind Kind>
inline constexpr bool is_join = true;
template <join_kind Kind>
inline constexpr bool is_join<no_join_by, Kind> = false;
template <fixed_string... Keys>
inline constexpr bool is_join<join_by<true, Keys...>, join_kind::semi> = false;
template <fixed_string... Keys>
inline constexpr bool is_join<join_by<true, Keys...>, join_kind::anti> = false;

template <join_kind Kind, class Right, class... Given>
auto join_rows(Right&& right, const Given&...) {
    using By = typename join_by_of<join_by<false>, Given...>::type;
    constexpr bool has_rows = row_input<std::remove_cvref_t<Right>>;
    if constexpr (has_rows && is_join<By, Kind>) {
        return make_join<Kind>(By{}, std::forward<Right>(right));
    } else {
        report(mistake<not_a_join<std::conditional_t<has_rows, its_right_side, std::remove_cvref_t<Right>>, Given...>>);
        return erroneous_join{};
    }
}
}  // namespace detail

// Rows of both sides brought together where all keys are equal: inner_join(right, "key"_c...), or with one_match at the end.
template <class Right, class... KeysAndPromise>
auto inner_join(Right&& right, const KeysAndPromise&... given) {
    return detail::join_rows<detail::join_kind::inner>(std::forward<Right>(right), given...);
}
// All rows of the left side, with the right side's columns where there is a match: left_join(right, "key"_c...), or with one_match
// at the end.
template <class Right, class... KeysAndPromise>
auto left_join(Right&& right, const KeysAndPromise&... given) {
    return detail::join_rows<detail::join_kind::left>(std::forward<Right>(right), given...);
}
// Rows of the left side that have a match: semi_join(right, "key"_c...).
template <class Right, class... Keys>
auto semi_join(Right&& right, const Keys&... keys) {
    return detail::join_rows<detail::join_kind::semi>(std::forward<Right>(right), keys...);
}
// Rows of the left side that have none: anti_join(right, "key"_c...).
template <class Right, class... Keys>
auto anti_join(Right&& right, const Keys&... keys) {
    return detail::join_rows<detail::join_kind::anti>(std::forward<Right>(right), keys...);
}

}  // namespace SEGKIT_NAMESPACE
