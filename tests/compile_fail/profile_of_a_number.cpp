// expect: the label of a profile must be a text, a whole number or a truth value
// expect: label_is_not_a_group
// expect: "paid"
#include <segkit/evaluate/profile.hpp>
#include <segkit/query.hpp>

namespace sk = segkit;
using namespace segkit::literals;

using customers = sk::schema<sk::field<"user_id", std::int64_t>, sk::field<"segment", sk::text>, sk::field<"clicks", std::int32_t>, sk::field<"paid", std::optional<double>>>;

auto profiled(const sk::table<customers>& t) {
    return t | sk::profile_clusters("paid"_c, sk::columns("clicks"_c)) | sk::filter("rank"_c == 1) | sk::collect();
}
