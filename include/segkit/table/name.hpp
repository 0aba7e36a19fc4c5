// segkit/table/name.hpp: column names as template arguments.
//
// `name_of<"clicks">` is the std::string_view "clicks"; a name costs nothing at run time. Names are kept as plain
// characters so that compilers print them readably in diagnostics.
#pragma once

#include <cstddef>
#include <string_view>

#include <segkit/config.hpp>

namespace SEGKIT_NAMESPACE {

template <std::size_t N>
struct fixed_string {
    char characters[N]{};
    consteval fixed_string(const char (&text)[N]) {
        for (std::size_t i = 0; i < N; ++i) characters[i] = text[i];
    }
    friend constexpr bool operator==(const fixed_string&, const fixed_string&) = default;
};

template <fixed_string Name>
inline constexpr std::string_view name_of{Name.characters, sizeof(Name.characters) - 1};

// A name as a type: what diagnostics print.
template <fixed_string Name>
struct name {};

}  // namespace SEGKIT_NAMESPACE
