// segkit/pipeline/collect_into.hpp: runs a query and keeps its rows as structs of your own.
//
//     struct customer { std::int64_t id; std::string name; std::optional<double> spend; };
//     SEGKIT_DESCRIBE(customer, id, name, spend);
//     std::vector<customer> customers = users | segkit::filter("active"_c) | segkit::collect_into<customer>();
//
// Members are found by name, columns without a member are not computed. What is missing or does not fit is one compile error
// that lists all of it; an integer that a narrow member cannot hold is an error naming field and row.
#pragma once

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
#include <segkit/exec/executor.hpp>
#include <segkit/pipeline/pipeline.hpp>
#include <segkit/table/describe.hpp>

namespace SEGKIT_NAMESPACE {

// What rows_do_not_fit_the_struct lists.
template <class... Names>
struct members_without_a_column {};
template <class Name, class Member, class Column>
struct member_and_column {};
template <class... MembersAndColumns>
struct members_of_another_type {};

template <class Struct, class Missing, class OfAnotherType, class Existing>
struct rows_do_not_fit_the_struct {
    static_assert(detail::never<Struct>,
                  "segkit: collect_into fills every member of the struct from the column of its name; some are missing or of a type that does not fit (a column "
                  "that may be null needs std::optional, text needs std::string, a list std::vector); see 'rows_do_not_fit_the_struct<struct, members_without_a_column<...>, "
                  "members_of_another_type<...>, existing_columns<...>>'");
};
template <class Struct>
struct struct_cannot_be_filled {
    static_assert(detail::never<Struct>,
                  "segkit: collect_into makes structs and then fills their members: the struct must be described by SEGKIT_DESCRIBE and have a default "
                  "constructor; see 'struct_cannot_be_filled<struct>'");
};

namespace detail {

// ---- a column's value into a member: the inverse of value_of_member

template <class M>
inline constexpr bool owns_text = std::constructible_from<M, std::string_view> && !std::is_trivially_copyable_v<M>;
template <class M>
concept day_time_point = chrono_time_point<M> && counts_days<decltype(std::declval<const M&>().time_since_epoch())>;

template <class M, class V>
inline constexpr bool takes_list = false;
template <vector_like M, class V>
inline constexpr bool takes_list<M, list_value<V>> = true;

template <class M, class V>
constexpr bool value_fits() {
    if constexpr (std::same_as<M, V>) return !std::same_as<V, std::string_view>;    // a view would dangle
    else if constexpr (std::is_enum_v<M>) return is_integer<V>;
    else if constexpr (std::integral<M> && !std::same_as<M, bool>) return is_integer<V>;
    else if constexpr (takes_list<M, V>) return value_fits<typename M::value_type, typename V::value_type>();
    else if constexpr (std::same_as<M, double>) return std::same_as<V, float> || std::same_as<V, std::int32_t>;
    else if constexpr (std::same_as<V, std::string_view>) return owns_text<M>;
    else if constexpr (chrono_calendar_day<M> || day_time_point<M>) return std::same_as<V, date>;
    else if constexpr (chrono_time_point<M>) return std::same_as<V, timestamp>;
    else if constexpr (chrono_duration<M>) return std::same_as<V, duration>;
    else return false;
}
// Member type M takes column type T.
template <class M, class T>
constexpr bool member_takes() {
    if constexpr (optional_traits<M>::value) return value_fits<typename optional_traits<M>::type, value_t<non_null_t<T>>>();
    else return !is_nullable<T> && value_fits<M, value_t<T>>();
}

// Microseconds as a duration of any period; a coarser one is rounded down. False where it does not fit.
template <class D>
bool from_microseconds(std::int64_t microseconds, D& to) {
    using period = typename D::period;
    if constexpr (std::floating_point<typename D::rep>) {
        to = D(static_cast<typename D::rep>(static_cast<double>(microseconds) / 1e6 * static_cast<double>(period::den) / static_cast<double>(period::num)));
        return true;
    } else {
        // Ticks per microsecond, or microseconds per tick.
        constexpr std::intmax_t ticks = period::den > 1'000'000 * period::num ? period::den / (1'000'000 * period::num) : 1;
        constexpr std::intmax_t micros = period::den < 1'000'000 * period::num ? 1'000'000 * period::num / period::den : 1;
        const std::int64_t count = microseconds / micros - (microseconds % micros < 0);
        using rep = typename D::rep;
        if constexpr (ticks > 1)
            if (count > std::numeric_limits<std::int64_t>::max() / ticks || count < std::numeric_limits<std::int64_t>::min() / ticks) return false;
        const std::int64_t scaled = count * ticks;
        if constexpr (sizeof(rep) < 8)
            if (scaled > static_cast<std::int64_t>(std::numeric_limits<rep>::max()) || scaled < static_cast<std::int64_t>(std::numeric_limits<rep>::min())) return false;
        to = D(static_cast<rep>(scaled));
        return true;
    }
}

// False where the value does not fit the member.
template <class M, class V>
bool assign_member(M& to, const V& value) {
    if constexpr (std::is_enum_v<M>) {
        std::underlying_type_t<M> number{};
        if (!assign_member(number, value)) return false;
        to = static_cast<M>(number);
        return true;
    } else if constexpr (std::integral<M> && !std::same_as<M, bool>) {
        to = static_cast<M>(value);
        return static_cast<V>(to) == value && (to < M{}) == (value < V{});
    } else if constexpr (takes_list<M, V>) {
        to.clear();
        bool fits = true;
        for (const auto& item : value) {
            typename M::value_type one{};
            fits = assign_member(one, item) && fits;
            to.push_back(std::move(one));
        }
        return fits;
    } else if constexpr (std::same_as<V, std::string_view>) {
        to = M(value);
        return true;
    } else if constexpr (chrono_calendar_day<M>) {
        using year = decltype(to.year());
        using month = decltype(to.month());
        using day = decltype(to.day());
        const year of_its_own(value.year());
        to = M(of_its_own, month(static_cast<unsigned>(value.month())), day(static_cast<unsigned>(value.day())));
        return static_cast<int>(of_its_own) == value.year();    // years of std::chrono have 16 bits
    } else if constexpr (day_time_point<M>) {
        using rep = typename M::duration::rep;
        const auto days = static_cast<rep>(value.days_since_1970());
        to = M(typename M::duration(days));
        return static_cast<std::int64_t>(days) == value.days_since_1970();
    } else if constexpr (chrono_time_point<M>) {
        typename M::duration since{};
        if (!from_microseconds(value.microseconds_since_1970(), since)) return false;
        to = M(since);
        return true;
    } else if constexpr (chrono_duration<M>) {
        return from_microseconds(value.microseconds, to);
    } else {
        to = static_cast<M>(value);
        return true;
    }
}

template <class M, class V>
[[noreturn]] void throw_member_overflow(const V& value, std::string_view field, std::size_t row) {
    error_details details{.code = error_code::overflow, .stage = "collect_into", .field = std::string(field), .row = row};
    if constexpr (std::integral<V>) details.found = std::to_string(value);
    else if constexpr (takes_list<M, V>) details.found = "a list with a value beyond that";
    else details.found = std::same_as<V, date> ? "a day" : "a time";
    details.expected = "a value that the member can hold";
    details.advice = "give the member a wider type";
    throw error(std::move(details));
}

// Fills one member of the structs at `to` from the selected rows of a chunk.
template <class Struct, auto Pointer, class T>
void fill_member(Struct* to, const chunk& c, const slot_view& view, std::string_view field) {
    using M = member_type_t<Pointer>;
    using V = value_t<non_null_t<T>>;
    const V* const values = view.as<V>();
    c.each([&](std::uint32_t k, std::uint32_t row) {
        M& member = to[k].*Pointer;
        bool fits = true;
        if constexpr (optional_traits<M>::value) {
            if (is_nullable<T> && !view.valid(row)) member.reset();
            else fits = assign_member(member.emplace(), values[row]);
        } else {
            fits = assign_member(member, values[row]);
        }
        if (!fits) throw_member_overflow<M>(values[row], field, c.first_row + row);
    });
}

// ---- the members of a struct against the columns of a schema

template <class...>
struct member_list {};
template <class... A, class... B>
member_list<A..., B...> operator+(member_list<A...>, member_list<B...>);
template <template <class...> class To, class... T>
To<T...> member_list_as(member_list<T...>);

template <class Schema, fixed_string Name, auto Pointer>
auto missing_member(const described_member<Name, Pointer>*) {
    if constexpr (has_column<Schema, Name>) return member_list<>{};
    else return member_list<segkit::name<Name>>{};
}
template <class Schema, fixed_string Name, auto Pointer>
auto unfit_member(const described_member<Name, Pointer>*) {
    if constexpr (!has_column<Schema, Name>) {
        return member_list<>{};
    } else {
        using M = member_type_t<Pointer>;
        using T = column_type_t<Schema, Name>;
        if constexpr (member_takes<M, T>()) return member_list<>{};
        else return member_list<member_and_column<segkit::name<Name>, M, T>>{};
    }
}

template <class Struct>
struct member_filler {
    int slot;
    std::string_view field;
    void (*fill)(Struct*, const chunk&, const slot_view&, std::string_view);
};

template <class Struct, class Description>
struct struct_members;
template <class Struct, class... Members>
struct struct_members<Struct, description<Members...>> {
    template <class Schema>
    using missing = decltype(member_list_as<members_without_a_column>((member_list<>{} + ... + missing_member<Schema>(static_cast<Members*>(nullptr)))));
    template <class Schema>
    using unfit = decltype(member_list_as<members_of_another_type>((member_list<>{} + ... + unfit_member<Schema>(static_cast<Members*>(nullptr)))));

    template <class Schema>
    static std::vector<member_filler<Struct>> fillers(const relation<Schema>& r) {
        return {filler(r, static_cast<Members*>(nullptr))...};
    }

private:
    template <class Schema, fixed_string Name, auto Pointer>
    static member_filler<Struct> filler(const relation<Schema>& r, const described_member<Name, Pointer>*) {
        return {r.template slot<Name>(), name_of<Name>, fill_member<Struct, Pointer, column_type_t<Schema, Name>>};
    }
};

template <class Rows, class Fillers>
class struct_worker final : public morsel_worker {
public:
    struct_worker(Rows& rows, const Fillers* fillers) : rows_(rows), fillers_(*fillers) {}
    void take(const chunk& c) override {
        const std::size_t first = rows_.size();
        rows_.resize(first + c.selected);
        for (const auto& f : fillers_) f.fill(rows_.data() + first, c, c.slots[static_cast<std::size_t>(f.slot)], f.field);
    }

private:
    Rows& rows_;
    const Fillers& fillers_;
};

template <class Struct, class Schema>
std::vector<Struct> collect_structs(const relation<Schema>& r, executor_ref executor) {
    std::vector<Struct> all;
    if constexpr (!described<Struct> || !std::default_initializable<Struct>) {
        report(mistake<struct_cannot_be_filled<Struct>>);
    } else if constexpr (!is_erroneous_schema<Schema>) {
        using members = struct_members<Struct, description_of<Struct>>;
        using missing = typename members::template missing<Schema>;
        using unfit = typename members::template unfit<Schema>;
        if constexpr (!std::same_as<missing, members_without_a_column<>> || !std::same_as<unfit, members_of_another_type<>>) {
            report(mistake<rows_do_not_fit_the_struct<Struct, missing, unfit, existing_columns_of<Schema>>>);
        } else {
            const auto fillers = members::fillers(r);
            std::vector<int> outputs;
            for (const auto& f : fillers) outputs.push_back(f.slot);
            using Fillers = std::remove_cvref_t<decltype(fillers)>;
            state_per_morsel<std::vector<Struct>, struct_worker<std::vector<Struct>, Fillers>, const Fillers*> parts(&fillers);
            r.plan.run(outputs, executor, parts);
            std::size_t rows = 0;
            parts.in_order([&](const std::vector<Struct>& part) { rows += part.size(); });
            parts.in_order([&](std::vector<Struct>& part) {
                if (all.empty() && part.size() == rows) {
                    all = std::move(part);
                    return;
                }
                all.reserve(rows);
                for (Struct& s : part) all.push_back(std::move(s));
                part = {};
            });
        }
    }
    return all;
}

template <class Struct, class Executor>
struct collect_into_request {
    const Executor& executor;
};
template <class Struct, class Executor>
struct try_collect_into_request {
    const Executor& executor;
};

}  // namespace detail

// Ends a query: `query | collect_into<customer>()` is a std::vector<customer>, rows in order.
template <class Struct, executor Executor = serial>
auto collect_into(const Executor& executor = detail::default_executor) {
    return detail::collect_into_request<Struct, Executor>{executor};
}

// The same without an exception for wrong data: a result<std::vector<customer>>.
template <class Struct, executor Executor = serial>
auto try_collect_into(const Executor& executor = detail::default_executor) {
    return detail::try_collect_into_request<Struct, Executor>{executor};
}

template <class T, class Struct, class Executor>
    requires row_input<std::remove_cvref_t<T>>
std::vector<Struct> operator|(T&& input, const detail::collect_into_request<Struct, Executor>& request) {
    return detail::collect_structs<Struct>(detail::as_query(std::forward<T>(input)).bind(), request.executor);
}

template <class T, class Struct, class Executor>
    requires row_input<std::remove_cvref_t<T>>
result<std::vector<Struct>> operator|(T&& input, const detail::try_collect_into_request<Struct, Executor>& request) {
    return try_call([&] { return std::forward<T>(input) | detail::collect_into_request<Struct, Executor>{request.executor}; });
}

}  // namespace SEGKIT_NAMESPACE
