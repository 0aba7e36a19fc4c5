// segkit/table/describe.hpp: makes a range of your own structs a table, without copying it.
//
//     struct session { std::int64_t user_id; std::string country; std::optional<double> paid; };
//     SEGKIT_DESCRIBE(session, user_id, country, paid);     // beside the struct, in its namespace
//
//     std::vector<session> sessions = ...;
//     auto big = sessions | segkit::filter("paid"_c > 100.0) | segkit::collect();
//
// Members may be bool, signed integers up to 64 bits and unsigned ones up to 32, enums (as their integer), float, double,
// std::string, std::string_view, segkit's date, timestamp and duration, std::chrono time points and durations (to
// microseconds; one beyond 64 bits of them is an error where it is read), sys_days and year_month_day (as date), and std::optional of
// these. Up to 256 members.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>

#include <segkit/config.hpp>
#include <segkit/error.hpp>
#include <segkit/table/traits.hpp>

namespace SEGKIT_NAMESPACE {

template <class Type>
struct member_type_is_not_supported {
    static_assert(detail::never<Type>,
                  "segkit: SEGKIT_DESCRIBE cannot make a column of a member of this type; see 'member_type_is_not_supported<type>'");
};

template <class Type>
struct unsigned_64_bit_member {
    static_assert(detail::never<Type>,
                  "segkit: no column holds every unsigned 64-bit integer, the largest is std::int64_t; make the member std::int64_t, or leave it out of "
                  "SEGKIT_DESCRIBE; see 'unsigned_64_bit_member<type>'");
};

template <class Type>
struct member_can_only_be_filled {
    static_assert(detail::never<Type>,
                  "segkit: a member of this type can be filled by collect_into, but not be read as a list column, since its items do not lie as those of "
                  "a list do; make it a std::vector of numbers of 32 or 64 bits, dates, timestamps or durations; see 'member_can_only_be_filled<type>'");
};

namespace detail {

// A std::vector, or what can be filled like one.
template <class M>
concept vector_like = !std::convertible_to<const M&, std::string_view> && requires(M& to, typename M::value_type item) {
    to.push_back(std::move(item));
    to.clear();
};

// std::chrono types are recognised by their shape, so that <chrono> is included only by those who use it.
template <class T>
concept chrono_duration = requires { typename T::rep; typename T::period; { T::period::num } -> std::convertible_to<std::intmax_t>; } &&
                          requires(const T& t) { t.count(); };
template <class T>
concept chrono_time_point = requires(const T& t) {
    typename T::clock;
    { t.time_since_epoch() } -> chrono_duration;
};
template <class T>
concept chrono_calendar_day = !chrono_time_point<T> && requires(const T& t) {
    static_cast<int>(t.year());
    static_cast<unsigned>(t.month());
    static_cast<unsigned>(t.day());
    { t.ok() } -> std::same_as<bool>;
};

// A time_point::max() that stands for "never", say.
[[noreturn]] inline void throw_member_out_of_reach() {
    throw error({.code = error_code::overflow,
                 .stage = "table",
                 .found = "a std::chrono value that a column cannot hold",
                 .expected = "times within 64 bits of microseconds, some 292,000 years, and days within 32 bits",
                 .advice = "make a member that may have no value a std::optional, and leave it empty"});
}
// Count of Period (a ratio num/den of a second) in microseconds, rounded toward zero.
template <class D>
constexpr std::int64_t to_microseconds(const D& d) {
    using period = typename D::period;
    if constexpr (std::floating_point<typename D::rep>) {
        const double microseconds = static_cast<double>(d.count()) * 1e6 * static_cast<double>(period::num) / static_cast<double>(period::den);
        if (!(microseconds >= -0x1p63 && microseconds < 0x1p63)) throw_member_out_of_reach();
        return static_cast<std::int64_t>(microseconds);
    } else {
        using count = std::common_type_t<typename D::rep, std::int64_t>;
        constexpr bool coarse = period::den <= 1'000'000 && 1'000'000 % period::den == 0;
        constexpr std::intmax_t ticks = coarse ? 1 : period::den / 1'000'000, each = coarse ? 1'000'000 / period::den * period::num : period::num;
        std::int64_t microseconds = 0;
        if (__builtin_mul_overflow(static_cast<count>(d.count()) / static_cast<count>(ticks), each, &microseconds)) throw_member_out_of_reach();
        return microseconds;
    }
}
template <class D>
inline constexpr bool counts_days = D::period::den == 1 && D::period::num == 86'400;

template <class M>
constexpr auto field_type_of_member();
template <class M>
constexpr bool holds_plain_values() {
    if constexpr (!vector_like<M>) return false;
    else if constexpr (vector_like<typename M::value_type>) return false;
    else return is_plain_column_type<typename decltype(field_type_of_member<typename M::value_type>())::type>;
}

// Field type of a member.
template <class M>
constexpr auto field_type_of_member() {
    if constexpr (optional_traits<M>::value) {
        using inner = typename decltype(field_type_of_member<typename optional_traits<M>::type>())::type;
        return std::type_identity<std::optional<inner>>{};
    } else if constexpr (std::same_as<M, bool> || std::same_as<M, float> || std::same_as<M, double> || std::same_as<M, date> ||
                         std::same_as<M, timestamp> || std::same_as<M, duration>) {
        return std::type_identity<M>{};
    } else if constexpr (std::is_enum_v<M>) {
        return field_type_of_member<std::underlying_type_t<M>>();
    } else if constexpr (std::integral<M> && (sizeof(M) < 4 || (sizeof(M) == 4 && std::is_signed_v<M>))) {
        return std::type_identity<std::int32_t>{};
    } else if constexpr (std::integral<M> && (sizeof(M) == 4 || (sizeof(M) == 8 && std::is_signed_v<M>))) {
        return std::type_identity<std::int64_t>{};
    } else if constexpr (std::unsigned_integral<M> && sizeof(M) == 8) {
        detail::report(detail::mistake<unsigned_64_bit_member<M>>);
        return std::type_identity<std::int64_t>{};
    } else if constexpr (std::convertible_to<const M&, std::string_view>) {
        return std::type_identity<text>{};
    } else if constexpr (chrono_calendar_day<M>) {
        return std::type_identity<date>{};
    } else if constexpr (chrono_time_point<M>) {
        if constexpr (counts_days<decltype(std::declval<const M&>().time_since_epoch())>) return std::type_identity<date>{};
        else return std::type_identity<timestamp>{};
    } else if constexpr (chrono_duration<M>) {
        return std::type_identity<duration>{};
    } else if constexpr (holds_plain_values<M>()) {
        return std::type_identity<list<typename decltype(field_type_of_member<typename M::value_type>())::type>>{};
    } else {
        detail::report(detail::mistake<member_type_is_not_supported<M>>);
        return std::type_identity<std::int64_t>{};
    }
}
template <class M>
using field_of_member_t = typename decltype(field_type_of_member<M>())::type;

// The value of a member as its column holds it.
template <class M>
constexpr value_t<field_of_member_t<M>> value_of_member(const M& m) {
    using V = value_t<field_of_member_t<M>>;
    if constexpr (optional_traits<M>::value) {
        if (!m) return std::nullopt;
        return value_of_member(*m);
    } else if constexpr (std::same_as<V, std::string_view>) {
        return std::string_view(m);
    } else if constexpr (chrono_calendar_day<M>) {
        return date(static_cast<int>(m.year()), static_cast<int>(static_cast<unsigned>(m.month())), static_cast<int>(static_cast<unsigned>(m.day())));
    } else if constexpr (chrono_time_point<M>) {
        if constexpr (std::same_as<V, date>) {
            const auto days = m.time_since_epoch().count();
            if (!(static_cast<double>(days) >= -0x1p31 && static_cast<double>(days) < 0x1p31)) throw_member_out_of_reach();
            return date::from_days(static_cast<std::int32_t>(days));
        }
        else return timestamp::from_microseconds(to_microseconds(m.time_since_epoch()));
    } else if constexpr (chrono_duration<M>) {
        return duration{to_microseconds(m)};
    } else if constexpr (vector_like<M>) {
        if constexpr (requires { { m.data() } -> std::same_as<const typename V::value_type*>; }) return V{{m.data(), nullptr, m.size()}};
        else detail::report(detail::mistake<member_can_only_be_filled<M>>);
        return V{};
    } else if constexpr (requires { static_cast<V>(m); }) {
        return static_cast<V>(m);
    } else {
        return V{};    // a type that is not supported, which has been reported
    }
}

template <fixed_string Name, auto Pointer>
struct described_member {
    static constexpr std::string_view name = name_of<Name>;
};

template <class Member>
struct member_traits;
template <class S, class M>
struct member_traits<M S::*> {
    using type = std::remove_cv_t<M>;
};
template <auto Pointer>
using member_type_t = typename member_traits<std::remove_cv_t<decltype(Pointer)>>::type;

template <fixed_string Name, auto Pointer>
field<Name, field_of_member_t<member_type_t<Pointer>>> field_of(described_member<Name, Pointer>*);

template <class... Members>
struct description : Members... {
    using schema_type = schema<decltype(field_of(static_cast<Members*>(nullptr)))...>;
};

template <fixed_string Name, auto Pointer>
std::integral_constant<decltype(Pointer), Pointer> pointer_of(const described_member<Name, Pointer>*);

// One member of every struct of a range.
template <class Iterator, auto Pointer>
struct member_column {
    Iterator structs;
    auto operator[](std::size_t row) const { return value_of_member(structs[static_cast<std::ptrdiff_t>(row)].*Pointer); }
};

// Where the structs of a range begin; a pointer where they lie one after the other.
template <class R>
auto first_struct(const R& range) {
    if constexpr (requires { std::data(range); }) return std::data(range);
    else return std::begin(range);
}

template <class T>
using description_of = decltype(segkit_describe(static_cast<const T*>(nullptr)));
template <class T>
concept described = requires { typename description_of<T>; };

template <class R>
concept range_of_described = requires(const R& r) {
    { std::begin(r)[std::ptrdiff_t{}] };
    { std::size(r) } -> std::convertible_to<std::size_t>;
    requires std::is_lvalue_reference_v<decltype(std::begin(r)[std::ptrdiff_t{}])>;    // structs that are made when asked for would not live
    requires described<std::remove_cvref_t<decltype(std::begin(r)[std::ptrdiff_t{}])>>;
};

}  // namespace detail

// Any random-access range (std::vector, std::array, std::span, std::deque, a view) of a described struct is a table.
template <detail::range_of_described R>
struct table_traits<R> {
    using struct_type = std::remove_cvref_t<decltype(std::begin(std::declval<const R&>())[std::ptrdiff_t{}])>;
    using description = detail::description_of<struct_type>;
    using schema_type = typename description::schema_type;

    static std::size_t rows(const R& range) { return std::size(range); }
    template <fixed_string Name>
    static auto column(const R& range) {
        constexpr auto pointer = decltype(detail::pointer_of<Name>(static_cast<const description*>(nullptr)))::value;
        return detail::member_column<decltype(detail::first_struct(range)), pointer>{detail::first_struct(range)};
    }
};

}  // namespace SEGKIT_NAMESPACE

// The expansion helpers of SEGKIT_DESCRIBE: each pass of the scan multiplies the depth by four.
#define SEGKIT_DETAIL_PARENTHESES ()
#define SEGKIT_DETAIL_EXPAND(...) SEGKIT_DETAIL_EXPAND_3(SEGKIT_DETAIL_EXPAND_3(SEGKIT_DETAIL_EXPAND_3(SEGKIT_DETAIL_EXPAND_3(__VA_ARGS__))))
#define SEGKIT_DETAIL_EXPAND_3(...) SEGKIT_DETAIL_EXPAND_2(SEGKIT_DETAIL_EXPAND_2(SEGKIT_DETAIL_EXPAND_2(SEGKIT_DETAIL_EXPAND_2(__VA_ARGS__))))
#define SEGKIT_DETAIL_EXPAND_2(...) SEGKIT_DETAIL_EXPAND_1(SEGKIT_DETAIL_EXPAND_1(SEGKIT_DETAIL_EXPAND_1(SEGKIT_DETAIL_EXPAND_1(__VA_ARGS__))))
#define SEGKIT_DETAIL_EXPAND_1(...) SEGKIT_DETAIL_EXPAND_0(SEGKIT_DETAIL_EXPAND_0(SEGKIT_DETAIL_EXPAND_0(SEGKIT_DETAIL_EXPAND_0(__VA_ARGS__))))
#define SEGKIT_DETAIL_EXPAND_0(...) __VA_ARGS__
#define SEGKIT_DETAIL_MEMBERS(Struct, member, ...) \
    ::segkit::detail::described_member<#member, &Struct::member> __VA_OPT__(, SEGKIT_DETAIL_MEMBERS_AGAIN SEGKIT_DETAIL_PARENTHESES(Struct, __VA_ARGS__))
#define SEGKIT_DETAIL_MEMBERS_AGAIN() SEGKIT_DETAIL_MEMBERS

// SEGKIT_DESCRIBE(Struct, member...): at namespace scope, beside the struct.
#define SEGKIT_DESCRIBE(Struct, ...)                                                                                     \
    [[maybe_unused]] constexpr ::segkit::detail::description<SEGKIT_DETAIL_EXPAND(SEGKIT_DETAIL_MEMBERS(Struct, __VA_ARGS__))> \
    segkit_describe(const Struct*) {                                                                                     \
        return {};                                                                                                       \
    }                                                                                                                    \
    static_assert(true)
