// expect: a function given to apply must return a value a column can hold
// expect: vector
#include <segkit/query.hpp>

namespace sk = segkit;
using namespace segkit::literals;

using sessions = sk::schema<sk::field<"user_id", std::int64_t>, sk::field<"country", sk::text>, sk::field<"clicks", std::int32_t>,
                            sk::field<"paid", std::optional<double>>, sk::field<"start", sk::timestamp>>;

auto pages(const sk::table<sessions>& t) {
    return t | sk::derive("pages"_c = sk::apply([](std::int32_t n) { return std::vector<int>(static_cast<std::size_t>(n)); }, "clicks"_c)) | sk::filter("pages"_c == 3) | sk::collect();
}
